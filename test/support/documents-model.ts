/** What is kept up with every change of a document, and a coordinator's plans, without time between them. */
import { writesFor } from '../../coordinator/commit';
import { compileService } from '../../coordinator/compose/compile';
import { Concerns, glanceAt, NO_SERVICE } from '../../coordinator/concerns';
import { planCluster } from '../../coordinator/schedule/plan-cluster';
import { ViewReader } from '../../coordinator/view-reader';
import { emptyDocument, encodeDocument } from '../../lib/documents/codec';
import { keysUnder } from '../../lib/documents/keys';
import type { HostStatus, InstanceStatus, Pause } from '../../lib/documents/types';
import { specHash } from '../../lib/release/spec-hash';

export const keys = keysUnder('/t');

/** A coordinator and the documents, without time between them. */
export class Model {
  readonly texts = new Map<string, string>();
  readonly reader = new ViewReader(keys);
  concerns = new Concerns(keys, () => this.reader.view);
  private revision = 1;
  private seed = 1;

  put(key: string, value: string | undefined): void {
    if (this.texts.get(key) === value) return;
    if (value === undefined) this.texts.delete(key);
    else this.texts.set(key, value);
    const modRevision = ++this.revision;
    const before = glanceAt(key, keys, this.reader.view);
    this.reader.read(key, value === undefined ? undefined : { key, value, createRevision: 1, modRevision });
    this.concerns.note({ key, value, before, after: glanceAt(key, keys, this.reader.view) });
  }

  pauses(): readonly Pause[] {
    return [...this.reader.view.pauses.values()].flatMap(({ pause }) => pause ?? []);
  }

  /** @returns what a plan of these services writes */
  writes(services: Iterable<string>) {
    const { view } = this.reader;
    const random = (): number => (this.seed = (this.seed * 16807) % 2147483647) / 2147483647;
    const named = [...services].filter((service) => service !== NO_SERVICE);
    const options = { view, pauses: this.pauses(), compile: compileService, random, wallMs: 1000 };
    return writesFor(planCluster({ ...options, services: named }), view, keys);
  }

  /** Plans and writes what is concerned until nothing is. */
  settle(): void {
    for (let round = 0; round < 50; round++) {
      const concerned = this.concerns.take();
      if (concerned.size === 0) return;
      for (const write of this.writes(concerned).map((one) => one.write()))
        this.put(write.key, write.op === 'put' ? write.value : undefined);
    }
    throw new Error('it does not settle');
  }

  /** @returns keys that a plan of everything would write */
  forgotten(): readonly string[] {
    const { services, releases, serviceStatuses } = this.reader.view;
    const all = new Set([...services.keys(), ...releases.keys(), ...serviceStatuses.keys()]);
    return this.writes(all).map(({ key }) => key);
  }

  /** The host does what its assignment says. @param broken instances of this service never run */
  act(host: string, broken: string): void {
    const { assignment, status, isLive } = this.reader.view.hosts.get(host) ?? {};
    if (!isLive || assignment === undefined || assignment.revision < (status?.assignmentRevision ?? 0)) return;
    const held = assignment.held.flatMap((id) => {
      const known = status?.instances[id];
      return known === undefined ? [] : [[id, { ...known, held: true }] as const];
    });
    const run = Object.entries(assignment.instances).map(([id, { service, slot, release }]) => {
      const content = this.reader.view.releases.get(service)?.get(release);
      const spec = content === undefined ? (status?.instances[id]?.spec ?? '') : specHash(content.container);
      const phase = service === broken ? ('BACKOFF' as const) : ('RUNNING' as const);
      return [id, { ...REPORT, service, slot, release, phase, spec }] as const;
    });
    const pulled = assignment.prefetch.map((name) => [name, { done: true, failed: false, message: '' }] as const);
    this.report(host, assignment.revision, Object.fromEntries([...held, ...run]), Object.fromEntries(pulled));
  }

  report(
    host: string,
    assignmentRevision: number,
    instances: HostStatus['instances'],
    prefetch: HostStatus['prefetch'] = {},
  ): void {
    const questions = Object.entries(this.reader.view.hosts.get(host)?.assignment?.resolve ?? {});
    const answer = { digest: '', problem: 'no registry knows it' };
    const resolved = Object.fromEntries(questions.map(([service, { question }]) => [service, { ...answer, question }]));
    const status = { ...emptyDocument('HostStatus'), assignmentRevision, instances, prefetch, resolved };
    this.put(keys.status(host), encodeDocument('HostStatus', status));
  }
}

export const REPORT: InstanceStatus = {
  ...{ service: '', slot: 1, release: 1, phase: 'RUNNING', containerId: 'c', ports: [], health: 'none', restarts: 0 },
  ...{ reason: '', held: false, spec: '', progress: '', pausedUntilMs: 0, lastRestartReason: '', failedTries: 0 },
};
