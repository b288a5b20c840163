/**
 * What discovery knows, on disk: an agent that starts while etcd is away answers what the last one answered. Lost or
 * unreadable, it costs that and nothing else.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock';
import { DocumentError, encodeDocument } from '../../lib/documents/codec';
import type { Endpoint } from '../../lib/documents/types';
import type { Logger } from '../../lib/log';
import { Saver } from '../saver';
import { writeWhole } from '../../lib/whole-file';
import type { KnownService } from './discovery';
import { decodeEndpoint } from './endpoint-reading';
import type { FollowedDiscovery } from './followed-discovery';
import type { RestoredService } from './followed-service';

/** Changes within this time become one write: a rollout changes a service many times. */
const COALESCE_MS = 5000;
/** A write is no more than such a part of the time, however much is known. */
const MAX_SHARE = 0.02;
/** Of text: what else the agent does goes on between two pieces. */
const PIECE_BYTES = 64 * 1024;

export interface DiscoveryCopyOptions {
  readonly folder: string;
  /** In etcd: what was known of another cluster says nothing of this one. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A line of the file; the first one is `{"prefix":"/berth"}`. */
interface SavedService {
  readonly service: string;
  /** Of etcd, by which it was so; absent: nobody knows. */
  readonly revision?: number;
  /** By instance, as in etcd. */
  readonly endpoints: Readonly<Record<string, object>>;
}

export class DiscoveryCopy {
  private readonly path: string;
  private readonly saver: Saver;
  private discovery: FollowedDiscovery | undefined;
  /** What was written last; weak, since all that was known at a time takes as much memory as what is known now. */
  private saved = new WeakSet<KnownService>();
  private savedCount = 0;
  private writeMs = 0;
  private isFailing = false;
  private cancel: (() => void) | undefined;

  constructor(private readonly options: DiscoveryCopyOptions) {
    const { folder, clock } = options;
    this.path = join(folder, 'discovery.jsonl');
    this.saver = new Saver({ clock, write: () => this.write(), onWritten: (failure) => this.tell(failure) });
  }

  /** Gives it what was saved, and saves from now on what it knows. */
  async keep(discovery: FollowedDiscovery): Promise<void> {
    discovery.restore(await this.load());
    this.discovery = discovery;
  }

  /** Something that discovery knows has changed. */
  changed(): void {
    this.cancel ??= this.options.clock.after(Math.max(COALESCE_MS, this.writeMs / MAX_SHARE), () => {
      this.cancel = undefined;
      this.saver.save();
    });
  }

  close(): void {
    this.cancel?.();
    this.saver.close();
  }

  private async load(): Promise<readonly RestoredService[]> {
    const [head, ...lines] = (await readFile(this.path, 'utf8').catch(() => '')).split('\n').map(parsed);
    if (head?.['prefix'] !== this.options.prefix) return [];
    return lines.flatMap((line) => (isService(line) ? [readService(line)] : []));
  }

  private async write(): Promise<void> {
    if (this.discovery === undefined) return;
    const startedMs = this.options.clock.monotonicMs();
    const services = [...this.discovery.followed].filter((service) => service.known.endpoints.length > 0);
    const known = services.map((service) => service.known);
    if (known.length === this.savedCount && known.every((one) => this.saved.has(one))) return;
    const restorable = services.map(({ known: { name, endpoints }, knownAt: revision }) => ({
      name,
      endpoints,
      revision,
    }));
    await writeWhole(this.path, piecesOf(this.options.prefix, restorable));
    this.saved = new WeakSet(known);
    this.savedCount = known.length;
    this.writeMs = this.options.clock.monotonicMs() - startedMs;
  }

  private tell(failure: string | undefined): void {
    const { log } = this.options;
    if (failure !== undefined && !this.isFailing)
      log.error('what discovery knows can not be kept on disk', { path: this.path, reason: failure });
    this.isFailing = failure !== undefined;
  }
}

function* piecesOf(prefix: string, services: readonly RestoredService[]): Generator<string> {
  let piece = JSON.stringify({ prefix });
  for (const { name, endpoints, revision } of services) {
    const each = endpoints.map((one) => `${JSON.stringify(one.instance)}:${encodeDocument('Endpoint', one)}`);
    const head = `"service":${JSON.stringify(name)},"revision":${JSON.stringify(revision)}`;
    piece += `\n{${head},"endpoints":{${each.join()}}}`;
    if (piece.length < PIECE_BYTES) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}

/** @returns undefined for a line that says nothing, or only a part of what it said */
function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function isService(line: object | undefined): line is SavedService {
  const { service, endpoints } = (line ?? {}) as Partial<SavedService>;
  return typeof service === 'string' && typeof endpoints === 'object' && endpoints !== null;
}

function readService({ service: name, revision, endpoints: saved }: SavedService): RestoredService {
  const endpoints = Object.entries(saved).flatMap(([instance, one]) => {
    const endpoint = readEndpoint(one);
    return endpoint === undefined ? [] : [{ ...endpoint, instance, isStale: false }];
  });
  return { name, endpoints, revision: Number.isSafeInteger(revision) ? revision! : Infinity };
}

function readEndpoint(saved: object): Endpoint | undefined {
  try {
    return decodeEndpoint(JSON.stringify(saved));
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    return undefined;
  }
}
