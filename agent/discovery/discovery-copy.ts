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
import type { KnownEndpoint } from './discovery';
import { decodeEndpoint } from './endpoint-reading';
import type { FollowedDiscovery } from './followed-discovery';

/** Changes within this time become one write: a rollout changes a service many times. */
const COALESCE_MS = 5000;

export interface DiscoveryCopyOptions {
  readonly folder: string;
  /** In etcd: what was known of another cluster says nothing of this one. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** By instance. */
type Saved = Readonly<Record<string, object>>;

export class DiscoveryCopy {
  private readonly path: string;
  private readonly saver: Saver;
  private discovery: FollowedDiscovery | undefined;
  private saved = '';
  private isFailing = false;
  private cancel: (() => void) | undefined;

  constructor(private readonly options: DiscoveryCopyOptions) {
    const { folder, clock } = options;
    this.path = join(folder, 'discovery.json');
    this.saver = new Saver({ clock, write: () => this.write(), onWritten: (failure) => this.tell(failure) });
  }

  /** Gives it what was saved, and saves from now on what it knows. */
  async keep(discovery: FollowedDiscovery): Promise<void> {
    discovery.restore(await this.load());
    this.discovery = discovery;
  }

  /** Something that discovery knows has changed. */
  changed(): void {
    this.cancel ??= this.options.clock.after(COALESCE_MS, () => {
      this.cancel = undefined;
      this.saver.save();
    });
  }

  close(): void {
    this.cancel?.();
    this.saver.close();
  }

  private async load(): Promise<ReadonlyMap<string, readonly KnownEndpoint[]>> {
    try {
      const { prefix, services } = JSON.parse(await readFile(this.path, 'utf8')) as Record<string, unknown>;
      if (prefix !== this.options.prefix) return new Map();
      return new Map(Object.entries(services as Record<string, Saved>).map(([name, one]) => [name, readService(one)]));
    } catch {
      return new Map();
    }
  }

  private async write(): Promise<void> {
    if (this.discovery === undefined) return;
    const services: Record<string, Saved> = {};
    for (const { name, known } of this.discovery.followed)
      if (known.endpoints.length > 0) services[name] = Object.fromEntries(known.endpoints.map(toSaved));
    const text = JSON.stringify({ prefix: this.options.prefix, services });
    if (text === this.saved) return;
    await writeWhole(this.path, text);
    this.saved = text;
  }

  private tell(failure: string | undefined): void {
    const { log } = this.options;
    if (failure !== undefined && !this.isFailing)
      log.error('what discovery knows can not be kept on disk', { path: this.path, reason: failure });
    this.isFailing = failure !== undefined;
  }
}

function toSaved({ instance, ...endpoint }: KnownEndpoint): readonly [string, object] {
  const document: Endpoint & { isStale?: boolean } = endpoint;
  delete document.isStale;
  return [instance, JSON.parse(encodeDocument('Endpoint', document)) as object];
}

function readService(saved: Saved): readonly KnownEndpoint[] {
  return Object.entries(saved).flatMap(([instance, one]) => {
    const endpoint = readEndpoint(one);
    return endpoint === undefined ? [] : [{ ...endpoint, instance, isStale: false }];
  });
}

function readEndpoint(saved: object): Endpoint | undefined {
  try {
    return decodeEndpoint(JSON.stringify(saved));
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    return undefined;
  }
}
