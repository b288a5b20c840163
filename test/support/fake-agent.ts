/** An agent without Docker: it keeps its documents in a store, and does what its assignment says at once. */
import type { Clock } from '../../lib/clock';
import { decodeDocument, emptyDocument, encodeDocument, DocumentError } from '../../lib/documents/codec';
import type { Keys } from '../../lib/documents/keys';
import type { Assignment, HostStatus, InstanceStatus } from '../../lib/documents/types';
import { startLeaseSession, type LeaseSession } from '../../lib/etcd/lease-session';
import { startMirror, type Mirror } from '../../lib/etcd/mirror';
import { StoreError, type Store } from '../../lib/etcd/store';
import { effectiveConfig } from '../../lib/release/config';
import { specHash } from '../../lib/release/spec-hash';

const RETRY_MS = 100;
const TTL_MS = 2000;
const PULLED = { done: true, failed: false, message: '' };

const CRASHED = {
  reason: 'exited with code 3',
  lastExit: { code: 3, oomKilled: false, atMs: 1, signal: '', log: ['no config', 'giving up'] },
};

/** A job is done at once. */
const SUCCEEDED = {
  phase: 'STOPPED',
  lastExit: { code: 0, oomKilled: false, atMs: 1, signal: '', log: [] },
} as const;

export interface FakeAgentOptions {
  readonly store: Store;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly memoryBytes?: number;
}

export class FakeAgent {
  /** What runs, by instance. */
  readonly running = new Map<string, InstanceStatus>();
  /** What each was made from, by instance. */
  private readonly images = new Map<string, string>();
  /** Every instance that an assignment made it stop, in order. */
  readonly stopped: string[] = [];
  /** Images whose instances crash. */
  readonly broken = new Set<string>();
  /** Images whose instances never come further than starting. */
  readonly slow = new Set<string>();
  /** It answers no question. */
  isMute = false;
  /** What registries say of images. */
  readonly digests = new Map<string, string>();
  private revision = 0;
  private said = '';
  private isBusy = false;
  private isOwed = false;
  private isClosed = false;
  private lease: LeaseSession | undefined;
  private readonly mirrors: Mirror[] = [];

  constructor(private readonly options: FakeAgentOptions) {}

  start(): this {
    const { store, keys, clock, name } = this.options;
    const alive = encodeDocument('HostAlive', { agentId: name, agentVersion: '', startedAtMs: 0 });
    this.lease = startLeaseSession({
      ...{ store, clock, ttlMs: TTL_MS },
      puts: () => [{ key: keys.hostAlive(name), value: alive }],
      onState: () => this.wake(),
    });
    const ranges = [{ key: keys.assignment(name) }, { prefix: keys.host(name) }, { key: keys.status(name) }];
    for (const range of ranges) this.mirrors.push(startMirror({ store, range, clock, onChange: () => this.wake() }));
    return this;
  }

  /** As a host that dies: nothing is said, and its lease runs out. */
  die(): void {
    this.isClosed = true;
    for (const mirror of this.mirrors) mirror.close();
    void this.lease?.close({ revoke: false });
  }

  private wake(): void {
    this.isOwed = true;
    if (this.isBusy || this.isClosed) return;
    this.isBusy = true;
    void this.work().finally(() => {
      this.isBusy = false;
      if (this.isOwed) this.wake();
    });
  }

  private async work(): Promise<void> {
    while (this.isOwed && !this.isClosed) {
      this.isOwed = false;
      try {
        await this.pass();
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        this.isOwed = true;
        await new Promise<void>((again) => this.options.clock.after(RETRY_MS, again));
      }
    }
  }

  private async pass(): Promise<void> {
    const { store, keys, name } = this.options;
    const [mirror, host, status] = this.mirrors;
    if (!this.mirrors.every(({ connected }) => connected)) return;
    const assignment = readable(mirror!.entries().get(keys.assignment(name))?.value);
    if (assignment !== undefined) await this.obey(assignment);
    const instances = [...this.running].map(([id, one]) => {
      const isHeld = assignment === undefined || assignment.held.includes(id);
      const image = isHeld ? this.images.get(id) : undefined;
      return [id, { ...one, held: isHeld, ...(image !== undefined && { image }) }] as const;
    });
    const text = encodeDocument('HostStatus', {
      ...emptyDocument('HostStatus'),
      ...{ assignmentRevision: this.revision, instances: Object.fromEntries(instances) },
      prefetch: Object.fromEntries((assignment?.prefetch ?? []).map((release) => [release, PULLED])),
      resolved: this.answers(assignment),
    });
    const isThere = host!.entries().has(keys.hostRecord(name)) && status!.entries().has(keys.status(name));
    if (text === this.said && isThere) return;
    const { labels = {}, memoryBytes = 1024 ** 3 } = this.options;
    const capacity = { nanoCpus: 4e9, memoryBytes, resources: {} };
    const record = encodeDocument('HostRecord', { ...emptyDocument('HostRecord'), labels, capacity });
    await store.txn({
      compares: [],
      writes: [
        { op: 'put', key: keys.hostRecord(name), value: record },
        { op: 'put', key: keys.status(name), value: text },
      ],
    });
    this.said = text;
  }

  private answers(assignment: Assignment | undefined): HostStatus['resolved'] {
    const questions = this.isMute ? [] : Object.entries(assignment?.resolve ?? {});
    return Object.fromEntries(
      questions.map(([service, { image, question }]) => {
        const digest = this.digests.get(image) ?? '';
        return [service, { question, digest, problem: digest === '' ? `no registry knows ${image}` : '' }];
      }),
    );
  }

  private async obey(assignment: Assignment): Promise<void> {
    this.revision = assignment.revision;
    for (const id of [...this.running.keys()])
      if (!(id in assignment.instances) && !assignment.held.includes(id)) {
        this.running.delete(id);
        this.stopped.push(id);
      }
    for (const [id, one] of Object.entries(assignment.instances)) {
      const known = this.running.get(id);
      if (known?.release === one.release) continue;
      const key = this.options.keys.release(one.service, one.release);
      const text = (await this.options.store.range({ key })).kvs[0]?.value;
      if (text === undefined) continue;
      const release = decodeDocument('Release', text);
      const spec = specHash(release.container, effectiveConfig(release.config, one.config));
      const image = release.container.image.split('@')[0]!;
      this.images.set(id, release.container.image);
      const phase = this.broken.has(image) ? 'BACKOFF' : this.slow.has(image) ? 'STARTING' : 'RUNNING';
      const nothing = { containerId: 'c', ports: [], health: 'none', restarts: 0, reason: '', held: false };
      const end = phase === 'BACKOFF' ? CRASHED : one.before ? SUCCEEDED : {};
      const quiet = { progress: '', pausedUntilMs: 0, lastRestartReason: '', failedTries: 0 };
      this.running.set(id, { ...nothing, ...quiet, ...one, phase, spec, ...end });
    }
  }
}

function readable(text: string | undefined): Assignment | undefined {
  try {
    return text === undefined ? undefined : decodeDocument('Assignment', text);
  } catch (error) {
    if (error instanceof DocumentError) return undefined;
    throw error;
  }
}
