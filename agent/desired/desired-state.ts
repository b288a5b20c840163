/**
 * What this host should run, as last known for good: from etcd, or from the copy on disk until etcd answers.
 *
 * INVARIANT: a missing, unreadable or outdated assignment changes nothing of what is known (G3); one that is missing or
 * outdated makes it incomplete, so that nothing is stopped for not being named.
 */
import type { Clock } from '../../lib/clock';
import { decodeAssignment } from '../../lib/documents/assignment';
import { DocumentError } from '../../lib/documents/codec';
import type { Keys } from '../../lib/documents/keys';
import type { Assignment, Problem } from '../../lib/documents/types';
import { startMirror, type Mirror } from '../../lib/etcd/mirror';
import type { KeyValue, Store } from '../../lib/etcd/store';
import type { Logger } from '../../lib/log';
import type { OnBoundary } from '../boundaries';
import { Saver } from '../saver';
import { madeFrom } from '../plan/made-from';
import type { Desired, DesiredInstance } from '../plan/types';
import type { CopyOnDisk } from './disk-copy';
import { ReleaseCache } from './release-cache';

export interface DesiredStateOptions {
  readonly store: Store;
  readonly keys: Keys;
  readonly host: string;
  readonly disk: CopyOnDisk;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly onBoundary?: OnBoundary;
  /** Called when `current` or `problems` may have changed. */
  readonly onChange: () => void;
}

export class DesiredState {
  private mirror: Mirror | undefined;
  private assignment: Assignment | undefined;
  /** The assignment in hand was read from etcd, and is there still. */
  private isComplete = false;
  /** Revision of etcd at which the assignment in hand was written. */
  private takenRevision = 0;
  private readonly releases: ReleaseCache;
  private assignmentProblem: Problem | undefined;
  private diskProblem: Problem | undefined;
  private readonly saver: Saver;
  private cached: Desired | undefined;

  constructor(private readonly options: DesiredStateOptions) {
    const { store, keys, clock, log, random } = options;
    const write = (): Promise<void> => this.write();
    this.saver = new Saver({ clock, write, onWritten: (failure) => this.written(failure) });
    this.releases = new ReleaseCache({
      ...{ store, keys, clock, log, random },
      onChange: (wasRead) => {
        this.changed();
        if (wasRead) this.saver.save();
      },
    });
  }

  /** Loads the copy on disk, then follows etcd. @returns whether there was a usable copy */
  async start(): Promise<boolean> {
    try {
      const copy = await this.options.disk.load();
      if (copy !== undefined) {
        this.assignment = copy.assignment;
        this.releases.restore(copy.assignment, copy.releases);
      }
    } catch (error) {
      this.diskProblem = problem(
        'disk-copy',
        `the copy of the desired state on disk can't be read: ${error instanceof Error ? error.message : String(error)}`,
        '',
      );
      this.options.log.error(this.diskProblem.message);
    }
    this.mirror = startMirror({
      store: this.options.store,
      range: { key: this.options.keys.assignment(this.options.host) },
      clock: this.options.clock,
      log: this.options.log,
      random: this.options.random,
      onChange: () => this.readAssignment(),
    });
    return this.assignment !== undefined;
  }

  close(): void {
    this.saver.close();
    this.mirror?.close();
    this.releases.close();
  }

  get isConnected(): boolean {
    return this.mirror?.connected ?? false;
  }

  /** Etcd has said what this host should run, or that nothing there says it. */
  get isRead(): boolean {
    return this.mirror?.isComplete ?? false;
  }

  get problems(): readonly Problem[] {
    const releases = [...this.releases.problems].sort().map(([key, text]) => problem('release-unreadable', text, key));
    return [this.assignmentProblem, this.diskProblem, ...releases].filter((found) => found !== undefined);
  }

  current(): Desired {
    this.cached ??= this.build();
    return this.cached;
  }

  private build(): Desired {
    const instances = new Map<string, DesiredInstance>();
    for (const [id, assigned] of Object.entries(this.assignment?.instances ?? {})) {
      const known = this.releases.get(`${assigned.service}@${assigned.release}`);
      instances.set(id, {
        ...assigned,
        ...(typeof known === 'string' ? { specProblem: known } : madeFrom(assigned, known)),
      });
    }
    const held = new Set(this.assignment?.held ?? []);
    const { revision: assignmentRevision = 0, pauses = [] } = this.assignment ?? {};
    return { isComplete: this.isComplete, assignmentRevision, instances, held, prefetch: this.prefetch(), pauses };
  }

  /** Reads what is assigned now. @returns whether it is what is in hand. @throws StoreError */
  async confirm(): Promise<boolean> {
    const key = this.options.keys.assignment(this.options.host);
    const found = (await this.options.store.range({ key })).kvs[0];
    return this.isComplete && found !== undefined && this.takenRevision >= found.modRevision;
  }

  /** Images whose digests this host is asked for, by service; not those that a copy on disk has. */
  get questions(): Assignment['resolve'] {
    return (this.isComplete ? this.assignment?.resolve : undefined) ?? {};
  }

  private prefetch(): Desired['prefetch'] {
    const named = this.assignment?.prefetch ?? [];
    return new Map(
      named.map((name) => {
        const known = this.releases.get(name);
        const service = name.slice(0, name.lastIndexOf('@'));
        return [name, { service, ...(typeof known === 'string' ? { specProblem: known } : { spec: known }) }];
      }),
    );
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
  }

  private missAssignment(): void {
    const key = this.options.keys.assignment(this.options.host);
    const message = 'the assignment of this host is gone from etcd; everything goes on as it was';
    this.isComplete = false;
    // A host that never had one is a new host.
    if (this.assignment === undefined) this.assignmentProblem = undefined;
    else this.complain('warn', problem('assignment-missing', message, key));
  }

  private takeAssignment({ key, value, modRevision }: KeyValue): void {
    let assignment: Assignment;
    try {
      assignment = decodeAssignment(value);
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error;
      const message = `${error.message}; the last good one stays in force`;
      return this.complain('error', problem('assignment-unreadable', message, key, error.path));
    }
    const lastRevision = this.assignment?.revision ?? 0;
    if (assignment.revision < lastRevision) {
      const message =
        `the assignment has revision ${assignment.revision}, and this host has obeyed ${lastRevision}: etcd was restored ` +
        `from a backup, or somebody wrote it by hand; everything goes on as it was until the coordinator writes it anew`;
      this.isComplete = false;
      return this.complain('warn', problem('assignment-outdated', message, key));
    }
    this.assignment = assignment;
    this.takenRevision = modRevision;
    this.isComplete = true;
    this.assignmentProblem = undefined;
    this.releases.want(assignment);
    this.saver.save();
  }

  private complain(level: 'warn' | 'error', found: Problem): void {
    if (this.assignmentProblem?.message !== found.message)
      this.options.log[level](found.message, { key: found.key, reason: found.rule });
    this.assignmentProblem = found;
  }

  private async write(): Promise<void> {
    if (this.assignment === undefined) return;
    this.options.onBoundary?.('desired-copy.before');
    await this.options.disk.save({ assignment: this.assignment, releases: this.releases.whole });
    this.options.onBoundary?.('desired-copy.after');
  }

  private written(failure: string | undefined): void {
    if (failure === undefined && this.diskProblem === undefined) return;
    const message = `the copy of the desired state can't be written: ${failure}`;
    if (failure !== undefined && this.diskProblem?.message !== message) this.options.log.error(message);
    this.diskProblem = failure === undefined ? undefined : problem('disk-copy', message, '');
    this.changed();
  }
}

function problem(rule: string, message: string, key: string, path = ''): Problem {
  return { rule, path, line: 0, column: 0, message, key };
}
