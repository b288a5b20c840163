/** How far a pull has come, from the lines of Docker's progress stream. */

/** No image has nearly as many; Docker itself takes 127. */
const MAX_LAYERS = 1000;
const BYTES_OF_MB = 1_000_000;

/** What is read of a line of POST /images/create. */
export interface ProgressLine {
  readonly status?: unknown;
  readonly id?: unknown;
  readonly error?: unknown;
  readonly progressDetail?: { readonly current?: unknown; readonly total?: unknown };
}

type Phase = 'waiting' | 'queued' | 'broken-off' | 'downloading' | 'downloaded' | 'extracting' | 'done';

const PHASES: ReadonlyMap<string, Phase> = new Map<string, Phase>([
  ['Pulling fs layer', 'waiting'],
  ['Waiting', 'queued'],
  ['Downloading', 'downloading'],
  ['Verifying Checksum', 'downloaded'],
  ['Download complete', 'downloaded'],
  ['Extracting', 'extracting'],
  ['Pull complete', 'done'],
  ['Already exists', 'done'],
]);

interface Layer {
  phase: Phase;
  doneBytes: number;
  totalBytes: number;
}

export class PullProgress {
  private readonly layers = new Map<string, Layer>();

  take({ status, id, progressDetail }: ProgressLine): void {
    if (typeof status !== 'string' || typeof id !== 'string') return;
    const phase = PHASES.get(status) ?? (status.startsWith('Retrying in') ? 'broken-off' : undefined);
    const layer = this.layers.get(id) ?? { phase: 'waiting', doneBytes: 0, totalBytes: 0 };
    if (phase === undefined || (this.layers.size >= MAX_LAYERS && !this.layers.has(id))) return;
    this.layers.set(id, layer);
    layer.phase = phase;
    const { current, total } = progressDetail ?? {};
    if (phase === 'downloading' && typeof current === 'number') {
      layer.doneBytes = current;
      layer.totalBytes = Math.max(current, typeof total === 'number' ? total : 0);
    }
    if (phase === 'broken-off') layer.doneBytes = 0;
    if (phase === 'downloaded' || phase === 'done') layer.doneBytes = layer.totalBytes;
  }

  /** Whether all that is left to download waits for Docker, which downloads three layers at a time for all pulls. */
  get isQueued(): boolean {
    const phases = [...this.layers.values()].map(({ phase }) => phase);
    return phases.includes('queued') && phases.every((phase) => ['queued', 'downloaded', 'done'].includes(phase));
  }

  /** "12 of 40 MB, 3 of 5 layers": bytes of the layers whose size is known by now. Empty before there is a layer. */
  toString(): string {
    const layers = [...this.layers.values()];
    if (layers.length === 0) return '';
    const count = (phase: Phase): number => layers.filter((layer) => layer.phase === phase).length;
    const done = count('done');
    const isAllThere = layers.every(({ phase }) => ['downloaded', 'extracting', 'done'].includes(phase));
    const bytes = sizes(layers);
    return [
      ...(bytes === '' ? [] : [bytes]),
      `${done} of ${layers.length} layers`,
      ...(isAllThere && done < layers.length ? ['extracting'] : []),
      ...(this.isQueued ? ['waits for other downloads'] : []),
      ...(count('broken-off') > 0 ? ['broken off, Docker tries again'] : []),
    ].join(', ');
  }
}

function sizes(layers: readonly Layer[]): string {
  const total = layers.reduce((sum, { totalBytes }) => sum + totalBytes, 0) / BYTES_OF_MB;
  const done = layers.reduce((sum, { doneBytes }) => sum + doneBytes, 0) / BYTES_OF_MB;
  if (total === 0) return '';
  const digits = total < 10 ? 1 : 0;
  return `${done.toFixed(digits)} of ${total.toFixed(digits)} MB`;
}
