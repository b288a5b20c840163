/**
 * What this host should run, as last known for good: from etcd, or from the copy on disk until etcd answers.
 *
 * INVARIANTS
 * - A missing or unreadable assignment changes nothing of what is known (G3); a missing one makes it incomplete.
 * - A release is read once: releases are never rewritten.
 */
import { backoffMs } from '../../lib/backoff';
import type { Clock } from '../../lib/clock';
import { decodeDocument, DocumentError } from '../../lib/documents/codec';
import type { Keys } from '../../lib/documents/keys';
import type { Assignment, Problem, Release } from '../../lib/documents/types';
import { startMirror, type Mirror } from '../../lib/etcd/mirror';
import type { KeyValue, Store } from '../../lib/etcd/store';
import type { Logger } from '../../lib/log';
import { specHash } from '../../lib/release/spec-hash';
import type { Desired, DesiredInstance } from '../plan/types';
import type { CopyOnDisk } from './disk-copy';

const RETRY = { baseMs: 200, capMs: 10_000 };
/** A release that is missing or unreadable is asked for again so often. */
const MISSING_RELEASE_RETRY_MS = 10_000;
/** Releases read from etcd at once. */
const MAX_READS = 16;

export interface DesiredStateOptions {
  readonly store: Store;
  readonly keys: Keys;
  readonly host: string;
  readonly disk: CopyOnDisk;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  /** Called when `current` or `problems` may have changed. */
  readonly onChange: () => void;
}

interface KnownRelease {
  readonly release: Release;
  readonly specHash: string;
}

export class DesiredState {
  private mirror: Mirror | undefined;
  private assignment: Assignment | undefined;
  /** The assignment in hand was read from etcd, and is there still. */
  private isComplete = false;
  private readonly releases = new Map<string, KnownRelease>();
  private readonly releaseProblems = new Map<string, string>();
  private assignmentProblem: Problem | undefined;
  private diskProblem: Problem | undefined;
  private readFailures = 0;
  private isReading = false;
  private isSaving = false;
  private isSaveOwed = false;
  private cancelRetry: (() => void) | undefined;
  private cached: Desired | undefined;

  constructor(private readonly options: DesiredStateOptions) {}

  /** Loads the copy on disk, then follows etcd. @returns whether there was a usable copy */
  async start(): Promise<boolean> {
    try {
      const copy = await this.options.disk.load();
      if (copy !== undefined) {
        this.assignment = copy.assignment;
        for (const [name, release] of copy.releases) this.know(name, release);
      }
    } catch (error) {
      this.diskProblem = problem(
        'disk-copy',
        `the copy of the desired state on disk can't be read: ${messageOf(error)}`,
        '',
      );
      this.options.log.error(this.diskProblem.message);
    }
    this.mirror = startMirror({
      store: this.options.store,
      range: { key: this.options.keys.assignment(this.options.host) },
      clock: this.options.clock,
      log: this.options.log,
      onChange: () => this.readAssignment(),
    });
    return this.assignment !== undefined;
  }

  close(): void {
    this.mirror?.close();
    this.cancelRetry?.();
  }

  get isConnected(): boolean {
    return this.mirror?.connected ?? false;
  }

  /** Something is known: from etcd, that there is no assignment, included; or from disk. */
  get isKnown(): boolean {
    return this.assignment !== undefined || (this.mirror?.isComplete ?? false);
  }

  get problems(): readonly Problem[] {
    const releases = [...this.releaseProblems].map(([name, text]) =>
      problem('release-unreadable', text, this.releaseKey(name)),
    );
    return [this.assignmentProblem, this.diskProblem, ...releases].filter((found) => found !== undefined);
  }

  current(): Desired {
    this.cached ??= this.build();
    return this.cached;
  }

  private build(): Desired {
    const instances = new Map<string, DesiredInstance>();
    for (const [id, assigned] of Object.entries(this.assignment?.instances ?? {})) {
      const name = `${assigned.service}@${assigned.release}`;
      const known = this.releases.get(name);
      const specProblem = this.releaseProblems.get(name) ?? `release ${name} is not read yet`;
      instances.set(id, {
        ...assigned,
        ...(known ? { spec: known.release, specHash: known.specHash } : { specProblem }),
      });
    }
    const held = new Set(this.assignment?.held ?? []);
    return { isComplete: this.isComplete, assignmentRevision: this.assignment?.revision ?? 0, instances, held };
  }

  private changed(): void {
    this.cached = undefined;
    this.options.onChange();
  }

  private readAssignment(): void {
    if (this.mirror?.isComplete !== true) return this.changed();
    const kv = this.mirror.entries().get(this.options.keys.assignment(this.options.host));
    if (kv === undefined) this.missAssignment();
    else this.takeAssignment(kv);
    this.changed();
    this.readReleases();
  }

  private missAssignment(): void {
    const key = this.options.keys.assignment(this.options.host);
    if (this.assignment !== undefined && this.assignmentProblem?.rule !== 'assignment-missing') {
      this.assignmentProblem = problem(
        'assignment-missing',
        'the assignment of this host is gone from etcd; everything goes on as it was',
        key,
      );
      this.options.log.warn(this.assignmentProblem.message, { key, reason: 'assignment-missing' });
    }
    this.isComplete = false;
  }

  private takeAssignment(kv: KeyValue): void {
    try {
      this.assignment = decodeDocument('Assignment', kv.value);
      this.isComplete = true;
      this.assignmentProblem = undefined;
      this.forgetReleases();
      this.save();
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error;
      this.assignmentProblem = problem(
        'assignment-unreadable',
        `${error.message}; the last good one stays in force`,
        kv.key,
        error.path,
      );
      this.options.log.error('the assignment of this host is unreadable', { key: kv.key, reason: error.message });
    }
  }

  private wantedReleases(): ReadonlySet<string> {
    return new Set(
      Object.values(this.assignment?.instances ?? {}).map(({ service, release }) => `${service}@${release}`),
    );
  }

  private forgetReleases(): void {
    const wanted = this.wantedReleases();
    for (const name of this.releases.keys()) if (!wanted.has(name)) this.releases.delete(name);
    this.releaseProblems.clear();
  }

  private readReleases(): void {
    if (this.isReading) return;
    const missing = [...this.wantedReleases()].filter((name) => !this.releases.has(name));
    if (missing.length === 0) return;
    this.isReading = true;
    this.cancelRetry?.();
    const batch = missing.slice(0, MAX_READS);
    void Promise.all(batch.map((name) => this.readRelease(name))).then((outcomes) => {
      this.isReading = false;
      this.readFailures = outcomes.includes('failed') ? this.readFailures + 1 : 0;
      this.changed();
      if (outcomes.includes('read')) this.save();
      const left = [...this.wantedReleases()].filter((wanted) => !this.releases.has(wanted));
      if (left.length === 0) return;
      const isNewWork = left.some((wanted) => !batch.includes(wanted));
      const waitMs =
        this.readFailures > 0 ? backoffMs(this.readFailures, RETRY, this.options.random) : MISSING_RELEASE_RETRY_MS;
      const delayMs = isNewWork && this.readFailures === 0 ? 0 : waitMs;
      this.cancelRetry = this.options.clock.after(delayMs, () => this.readReleases());
    });
  }

  private async readRelease(name: string): Promise<'read' | 'refused' | 'failed'> {
    const key = this.releaseKey(name);
    try {
      const { kvs } = await this.options.store.range({ key });
      if (kvs[0] === undefined) this.releaseProblems.set(name, `release ${name} is not in etcd`);
      else {
        this.know(name, decodeDocument('Release', kvs[0].value));
        this.releaseProblems.delete(name);
        return 'read';
      }
      return 'refused';
    } catch (error) {
      if (!(error instanceof DocumentError)) return 'failed';
      this.releaseProblems.set(name, `release ${name} is unreadable: ${error.message}`);
      this.options.log.error('a release is unreadable', { key, release: name, reason: error.message });
      return 'refused';
    }
  }

  private know(name: string, release: Release): void {
    this.releases.set(name, { release, specHash: specHash(release.container) });
  }

  private releaseKey(name: string): string {
    const at = name.lastIndexOf('@');
    return this.options.keys.release(name.slice(0, at), Number(name.slice(at + 1)));
  }

  /** One save at a time; changes meanwhile become one more. */
  private save(): void {
    this.isSaveOwed = true;
    if (this.isSaving) return;
    this.isSaving = true;
    void this.saveWhileOwed().finally(() => (this.isSaving = false));
  }

  private async saveWhileOwed(): Promise<void> {
    while (this.isSaveOwed && this.assignment !== undefined) {
      this.isSaveOwed = false;
      const releases = new Map([...this.releases].map(([name, { release }]) => [name, release]));
      try {
        await this.options.disk.save({ assignment: this.assignment, releases });
        if (this.diskProblem !== undefined) {
          this.diskProblem = undefined;
          this.changed();
        }
      } catch (error) {
        this.diskProblem = problem(
          'disk-copy',
          `the copy of the desired state can't be written: ${messageOf(error)}`,
          '',
        );
        this.options.log.error(this.diskProblem.message);
        this.changed();
      }
    }
  }
}

function problem(rule: string, message: string, key: string, path = ''): Problem {
  return { rule, path, line: 0, column: 0, message, key };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
