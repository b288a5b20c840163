import { backoffMs } from '../../lib/backoff';
import type { Clock } from '../../lib/clock';
import type { Problem } from '../../lib/documents/types';
import type { Discovery, KnownService } from '../discovery/discovery';
import { UnknownYet } from '../discovery/discovery';
import { SETTLED_MS } from './source';
import type { Stamps } from './stamps';
import type { Refreshed, TemplateFile, World } from './template-file';
import { TemplateError, type Trouble } from './trouble';
import type { ServiceViews } from './view';

/** The disk is looked at so often: the template may have been edited, the file removed. */
export const LOOK_MS = 5000;
/** What failed is tried again, also when nothing changes: a disk has room again, a proxy was started. */
export const RETRY = { baseMs: 1000, capMs: 60_000 };
/** After every start of an agent there is a moment in which nothing is known: no problem. */
const UNKNOWN_TOLD_MS = 10_000;

export interface GroupMetrics {
  onRender(result: 'written' | 'unchanged' | 'failed'): void;
  onReload(result: 'success' | 'failure'): void;
}

export interface GroupOptions {
  /** They have the same reload, or there is one that has none. */
  readonly files: readonly TemplateFile[];
  readonly reload: string | undefined;
  readonly discovery: Pick<Discovery, 'service' | 'subscribe'>;
  readonly host: object;
  readonly views: ServiceViews;
  readonly stamps: Stamps;
  /** @returns why it failed */
  readonly run: (command: string) => Promise<string | undefined>;
  /** Of the reload. */
  readonly trouble: Trouble;
  /** Of services that stay unknown. */
  readonly waiting: Trouble;
  readonly clock: Clock;
  readonly random: () => number;
  readonly metrics?: GroupMetrics;
}

/**
 * Templates that share a reload: in a round each is rendered and put in its place, and then the reload is run once.
 *
 * INVARIANTS
 * - One round at a time, and from one that did something to the next at least the interval. What changes meanwhile makes one
 *   more round; the first change after a quiet time begins one at once.
 * - Every service that the last renderings asked for is followed, and no other.
 * - A reload is owed as long as a file has not the stamp of its content (stamps.ts), whatever the rest of the round did.
 */
export class TemplateGroup {
  private readonly followed = new Map<string, () => void>();
  private running: Promise<void> | undefined;
  private isWoken = false;
  private isClosed = false;
  private notBeforeMs = 0;
  private failures = 0;
  private unknownSinceMs: number | undefined;
  private cancelWake: () => void = () => undefined;
  private cancelLook: () => void = () => undefined;

  constructor(private readonly options: GroupOptions) {}

  start(): void {
    this.wake();
    this.lookLater();
  }

  get problems(): readonly Problem[] {
    const { files, trouble, waiting } = this.options;
    return [...files.map(({ problem }) => problem), trouble.problem, waiting.problem].filter(
      (problem) => problem !== undefined,
    );
  }

  /** Settles when nothing is going on any more. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.cancelWake();
    this.cancelLook();
    await this.running;
    for (const unfollow of this.followed.values()) unfollow();
    this.followed.clear();
  }

  /** Something may have changed. */
  private wake(): void {
    this.isWoken = true;
    if (this.running !== undefined || this.isClosed) return;
    this.cancelWake();
    const { clock } = this.options;
    const waitMs = this.notBeforeMs - clock.monotonicMs();
    if (waitMs > 0) {
      this.cancelWake = clock.after(waitMs, () => this.wake());
      return;
    }
    this.isWoken = false;
    this.running = this.round().then((againMs) => {
      this.running = undefined;
      if (this.isClosed) return;
      if (againMs !== undefined) this.cancelWake = clock.after(againMs, () => this.wake());
      if (this.isWoken) this.wake();
    });
  }

  private lookLater(): void {
    this.cancelLook = this.options.clock.after(LOOK_MS, () => void this.look());
  }

  private async look(): Promise<void> {
    if (this.running === undefined)
      for (const file of this.options.files) if (await file.hasChanged()) this.isWoken = true;
    if (this.isClosed) return;
    if (this.isWoken) this.wake();
    this.lookLater();
  }

  /** @returns after how many milliseconds the next is due though nothing changes; undefined: not at all */
  private async round(): Promise<number | undefined> {
    const { files, clock, random, metrics } = this.options;
    const asked = new Set<string>();
    const results: Refreshed[] = [];
    for (const file of files) {
      if (this.isClosed) return undefined;
      const refreshed = await file.refresh(() => this.world(asked), clock.monotonicMs());
      results.push(refreshed);
      if (refreshed.result !== 'unknown') metrics?.onRender(refreshed.result);
    }
    const reloaded = await this.reload();
    const isWhole = results.every(({ result }) => result === 'written' || result === 'unchanged');
    if (isWhole) this.unfollowBut(asked);
    this.tellUnknown(results.flatMap((one) => (one.result === 'unknown' ? [...one.unknown] : [])));
    const hasFailed = reloaded === 'failed' || results.some(({ result }) => result === 'failed');
    this.failures = hasFailed ? this.failures + 1 : 0;
    const nowMs = clock.monotonicMs();
    if (files.some(({ hasActed }) => hasActed) || reloaded !== 'nothing') this.notBeforeMs = nowMs + this.intervalMs;
    for (const file of files) file.hasActed = false;
    const waits = [
      ...(hasFailed ? [backoffMs(this.failures, RETRY, random)] : []),
      ...(isWhole || hasFailed ? [] : [LOOK_MS]),
      ...(files.some(({ isSettling }) => isSettling) ? [SETTLED_MS] : []),
    ];
    return waits.length === 0 ? undefined : Math.min(...waits);
  }

  private get intervalMs(): number {
    return Math.max(...this.options.files.map(({ setting }) => setting.interval));
  }

  /** Runs the reload if it is owed. */
  private async reload(): Promise<'nothing' | 'done' | 'failed'> {
    const { files, reload, stamps, run, trouble, metrics } = this.options;
    if (reload === undefined || this.isClosed) return 'nothing';
    const owed = new Map<string, string>();
    for (const { setting, text } of files)
      if (text !== undefined && !stamps.has(setting.dest, text, reload)) owed.set(setting.dest, text);
    let unwritten: string | undefined;
    if (owed.size > 0) {
      const why = await run(reload);
      metrics?.onReload(why === undefined ? 'success' : 'failure');
      if (why !== undefined) {
        const which = [...owed.keys()].join(', ');
        const message = `${which} changed, and what reads it was not told: the reload ${why}`;
        // Its output may differ each time.
        trouble.begin(new TemplateError('template-reload', message, 'reload'));
        return 'failed';
      }
      unwritten = await stamps.set(owed, reload);
    } else unwritten = await stamps.saveOwed();
    if (unwritten === undefined) trouble.end();
    else {
      const message = `at its next start the agent reloads what need not be: ${unwritten}`;
      trouble.begin(new TemplateError('template-file', message));
    }
    return unwritten !== undefined ? 'failed' : owed.size > 0 ? 'done' : 'nothing';
  }

  private world(asked: Set<string>): World {
    const { host, views } = this.options;
    const unknown = new Set<string>();
    const service = (name: string): unknown => {
      asked.add(name);
      this.follow(name);
      const known = this.known(name);
      if (known === undefined) unknown.add(name);
      return known === undefined ? [] : views.of(known);
    };
    return { scope: { host, service }, unknown };
  }

  private known(name: string): KnownService | undefined {
    try {
      const known = this.options.discovery.service(name);
      // The file may be newer than what the agent before this one kept of a service.
      if (!(known instanceof Promise)) return known.isHeard ? known : undefined;
      const wake = (): void => this.wake();
      // What fails is asked for again.
      known.then(wake, () => undefined);
      return undefined;
    } catch (error) {
      if (!(error instanceof UnknownYet)) throw error;
      return undefined;
    }
  }

  /** Before it is asked for, so that no change is missed. */
  private follow(name: string): void {
    if (!this.followed.has(name))
      this.followed.set(
        name,
        this.options.discovery.subscribe(name, () => this.wake()),
      );
  }

  private unfollowBut(asked: ReadonlySet<string>): void {
    for (const [name, unfollow] of this.followed)
      if (!asked.has(name)) {
        this.followed.delete(name);
        unfollow();
      }
  }

  private tellUnknown(services: readonly string[]): void {
    const { clock, waiting } = this.options;
    if (services.length === 0) {
      this.unknownSinceMs = undefined;
      waiting.end();
      return;
    }
    this.unknownSinceMs ??= clock.monotonicMs();
    if (clock.monotonicMs() - this.unknownSinceMs < UNKNOWN_TOLD_MS) return;
    const names = [...new Set(services)].sort().join(', ');
    const message = `files stay as they are: etcd has not said yet what there is of ${names}`;
    waiting.begin(new TemplateError('template', message));
  }
}
