/**
 * Sees every call that an agent makes to its engine, every container that begins to run and every assignment that a
 * coordinator writes, and says what goes against the guarantees. judge.ts judges the calls.
 */
import type { Engine } from '../../agent/docker/engine';
import { isUp, type MemoryContainer } from '../../agent/docker/simulated/memory-container';
import type { MemoryDocker } from '../../agent/docker/simulated/memory-docker';
import type { Keys } from '../../lib/documents/keys';
import type { MemoryStore } from '../../lib/etcd/memory-store';
import { overcommits, readable } from './assignment-witness';
import { Judge, type Knowledge } from './judge';
import { overCalls } from './simulated-process';

export class Witness {
  readonly breaches: string[] = [];
  private readonly jobs = new Map<string, { readonly host: string; readonly runs: number }>();

  constructor(private readonly now: () => number) {}

  breach(what: string): void {
    this.breaches.push(`${this.now().toFixed(0)} ms: ${what}`);
  }

  /** A container has begun to run. */
  began(host: string, { request: { isJob, instance } }: MemoryContainer): void {
    if (!isJob) return;
    const runs = (this.jobs.get(instance)?.runs ?? 0) + 1;
    this.jobs.set(instance, { host, runs });
    if (runs > 1) this.breach(`${host}: the job ${instance} runs for the ${runs}. time`);
  }

  /** How often it has run. */
  runsOf(instance: string): number {
    return this.jobs.get(instance)?.runs ?? 0;
  }

  /** The host's disk is lost, and with it what its agents knew of jobs whose containers are gone, too. */
  forgetJobs(host: string): void {
    for (const [instance, job] of this.jobs) if (job.host === host) this.jobs.delete(instance);
  }

  /** Judges every assignment that is written from now on. */
  watchAssignments(store: MemoryStore, keys: Keys): void {
    store.watch({ prefix: keys.assignments }, store.revision + 1, {
      onCreated: () => undefined,
      onEnd: () => this.watchAssignments(store, keys),
      onEvents: (events) => {
        for (const event of events) {
          const assignment = event.type === 'put' ? readable('Assignment', event.kv.value) : undefined;
          if (assignment === undefined) continue;
          void overcommits(assignment, store, keys).then((wrong) => wrong.forEach((what) => this.breach(what)));
        }
      },
    });
  }

  /** The engine of one agent process, with every call judged as it is made, and what came of it checked. */
  over(engine: Engine, knowledge: Knowledge): Engine {
    const judge = new Judge(knowledge, this.now);
    const { name, docker } = knowledge;
    return overCalls(engine, async (call, act, args) => {
      const wrong = judge.whyNot(call, args[0]);
      if (wrong !== undefined) this.breach(`${name}: ${call} ${judge.nameOf(args[0])}: ${wrong}`);
      try {
        const answer: unknown = await act();
        judge.learn(call, args[0], answer);
        return answer;
      } catch (error) {
        judge.learnFailure(call, args[0], error);
        throw error;
      } finally {
        if (call === 'create' || call === 'start' || call === 'restart') this.checkHost(name, docker);
      }
    });
  }

  /** What is so on a host, whoever did it: one container of an instance, one of a host port. */
  private checkHost(name: string, docker: MemoryDocker): void {
    const seen = new Map<string, string>();
    const claim = (what: string, id: string): void => {
      const other = seen.get(what);
      if (other !== undefined && other !== id) this.breach(`${name}: ${what} runs twice: ${other} and ${id}`);
      seen.set(what, id);
    };
    for (const container of docker.containers.values()) {
      if (!isUp(container)) continue;
      const { instance, publishedPorts, container: spec } = container.request;
      claim(`instance ${instance}`, container.id);
      publishedPorts.forEach((port, index) => claim(`G9 port ${port}/${spec.ports[index]!.protocol}`, container.id));
    }
  }
}
