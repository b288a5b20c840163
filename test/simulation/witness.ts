/**
 * Sees every call that an agent makes to its engine and every assignment that a coordinator writes, and says what goes
 * against the guarantees. It judges an agent by what the agent could know: the desired state that it began to keep, and
 * the last list that Docker gave to it.
 */
import type { CreateRequest, Engine } from '../../agent/docker/engine';
import { isUp, type MemoryContainer } from '../../agent/docker/simulated/memory-container';
import type { MemoryDocker } from '../../agent/docker/simulated/memory-docker';
import { configOf } from '../../agent/plan/made-from';
import { runOf, type ActualContainer } from '../../agent/plan/types';
import type { DesiredCopy } from '../../agent/desired/disk-copy';
import type { Keys } from '../../lib/documents/keys';
import type { Release } from '../../lib/documents/types';
import type { MemoryStore } from '../../lib/etcd/memory-store';
import { isMadeFrom } from '../../lib/release/spec-hash';
import { overcommits, readable } from './assignment-witness';
import { overCalls, type EngineCall } from './simulated-process';

/** A creation may wait so long, for lists that hang, between its plan and its call. */
const LAG_MS = 120_000;

/** Calls that change a container. */
const OF_CONTAINER = ['stop', 'remove', 'start', 'restart', 'update', 'exec'] as const;
type ContainerCall = (typeof OF_CONTAINER)[number];

/** What the agents of one host knew. */
export interface Knowledge {
  readonly name: string;
  readonly docker: MemoryDocker;
  /** The newest that an agent of this host began to save, or loaded: what it does, it does by this one. */
  readonly obeyed: () => DesiredCopy | undefined;
  /** Whether etcd has said so to the agent that runs now; else it has its copy on disk alone. */
  readonly isConfirmed: () => boolean;
  /** Probes of a container that failed, since the last one that did not. */
  readonly failedTries: (id: string) => number;
  /** Copies that it obeyed within this time. */
  readonly obeyedWithin: (ms: number) => readonly DesiredCopy[];
  /** Pauses, as this host's clock tells: kind and name. Undefined when its clock has jumped, and they can't be told. */
  readonly isPaused: (instance: string, service: string, copy: DesiredCopy) => boolean;
}

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

/** Of one agent process: what it has seen, and whether what it asks for has a reason (G1, G2, G3). */
class Judge {
  private seen = new Map<string, ActualContainer>();
  /** Containers that it made itself and has not started: it may start them, or take them back. */
  private readonly made = new Set<string>();
  private readonly lostPorts = new Set<string>();
  /** When a list showed a container for the first time. */
  private readonly firstSeenMs = new Map<string, number>();

  constructor(
    private readonly knowledge: Knowledge,
    private readonly now: () => number,
  ) {}

  learn(call: EngineCall, asked: unknown, answer: unknown): void {
    if (call === 'list') {
      this.seen = new Map((answer as readonly ActualContainer[]).map((container) => [container.id, container]));
      for (const id of this.seen.keys()) if (!this.firstSeenMs.has(id)) this.firstSeenMs.set(id, this.now());
    }
    if (call === 'create') this.made.add(answer as string);
    if (call !== 'start') return;
    this.lostPorts.delete(asked as string);
    this.made.delete(asked as string);
  }

  learnFailure(call: EngineCall, asked: unknown, error: unknown): void {
    if (call === 'start' && (error as { code?: string }).code === 'port-taken') this.lostPorts.add(asked as string);
  }

  nameOf(asked: unknown): string {
    if (typeof asked !== 'string') return (asked as Partial<CreateRequest> | undefined)?.instance ?? '';
    const container = this.seen.get(asked);
    return container === undefined ? asked : `${container.instance} (${runOf(container).slice(0, 8)})`;
  }

  /** @returns why there was no reason to do this; undefined when there was one, or when it changes nothing */
  whyNot(call: EngineCall, asked: unknown): string | undefined {
    if (call === 'create') return this.ofCreation(asked as CreateRequest);
    return isOne(OF_CONTAINER, call) ? this.ofContainer(call, asked as string) : undefined;
  }

  private ofContainer(call: ContainerCall, id: string): string | undefined {
    const container = this.seen.get(id);
    // What it could not start, as far as it heard, it takes back; Docker refuses that of one that runs after all.
    if (this.made.has(id) && call === 'remove') return undefined;
    if (this.made.has(id) && call === 'start' && (container?.state ?? 'created') === 'created') return undefined;
    if (container === undefined) return 'Docker never told of it';
    const { instance, service } = container;
    const { isPaused } = this.knowledge;
    const obeyed = this.knowledge.obeyed();
    if (obeyed === undefined) return 'G3: there never was an assignment';
    if (obeyed.assignment.held.includes(instance)) return 'G3: it is held';
    // Hooks of a step that was begun before the pause go on.
    if (call !== 'exec' && isPaused(instance, service, obeyed)) return 'hands off: it is paused';
    if (call === 'stop' || call === 'remove') return this.ofLeaving(call, container);
    if (call === 'exec') return undefined;
    return this.ofKeeping(call, container);
  }

  /** @returns why a container may not go */
  private ofLeaving(call: 'stop' | 'remove', container: ActualContainer): string | undefined {
    const { instance, state } = container;
    const isTwin = [...this.seen.values()].some((other) => other.id !== container.id && other.instance === instance);
    if (call === 'remove' && state === 'running') return 'it runs';
    if (isTwin) return undefined;
    const { obeyed, isConfirmed } = this.knowledge;
    const wanted = obeyed()!.assignment.instances[instance];
    if (wanted === undefined) return isConfirmed() ? undefined : 'G3: etcd has not said that it is not wanted';
    if (wanted.before) {
      const hasNotRun = state === 'created' || state === 'dead';
      return call === 'remove' && hasNotRun ? undefined : 'a job is left as it is, whatever became of it';
    }
    const release = this.releaseOf(instance);
    if (release === undefined) return `G3: ${wanted.service}@${wanted.release} is not known`;
    if (!isMadeFrom(container.spec, release.container, configOf(wanted, release))) return undefined;
    const isUseless = state === 'created' || state === 'dead' || this.lostPorts.has(container.id);
    if (call === 'remove' && isUseless) return undefined;
    return `G1: its assignment names it, and ${wanted.service}@${wanted.release} is what it is made from`;
  }

  /** @returns why a container that stays may not be started, restarted or changed */
  private ofKeeping(call: 'start' | 'restart' | 'update', container: ActualContainer): string | undefined {
    const release = this.releaseOf(container.instance);
    const wanted = this.knowledge.obeyed()?.assignment.instances[container.instance];
    if (release === undefined || wanted === undefined) return 'nothing says that it is wanted';
    if (wanted.before) return 'a job is run once';
    if (!isMadeFrom(container.spec, release.container, configOf(wanted, release))) return 'another container is wanted';
    const { onUnhealthy, restartPolicy, probe } = release.deploy;
    if (call === 'update') {
      const isKept = container.state === 'running' || container.state === 'exited';
      return isKept ? undefined : `G1: it is ${container.state}`;
    }
    if (restartPolicy.condition === 'none') return 'G1: its restart policy is "none"';
    if (call === 'start') {
      if (container.state !== 'exited') return `G1: it is ${container.state}`;
      const isDone = restartPolicy.condition === 'on-failure' && container.exit?.code === 0;
      return isDone ? 'G1: it exited with 0, and its restart policy is "on-failure"' : undefined;
    }
    const isIll = probe === undefined ? container.health === 'unhealthy' : this.knowledge.failedTries(container.id) > 0;
    if (!isIll) return `G1: it is ${probe === undefined ? container.health : 'well by its probe'}`;
    return onUnhealthy === 'withdraw' ? 'G1: on_unhealthy is "withdraw"' : undefined;
  }

  private ofCreation({ instance, service }: CreateRequest): string | undefined {
    const recent = this.knowledge.obeyedWithin(LAG_MS);
    if (!recent.some(({ assignment }) => instance in assignment.instances)) return 'G3: no assignment names it';
    if (recent.every((copy) => this.knowledge.isPaused(instance, service, copy))) return 'hands off: it is paused';
    // What an earlier creation, which was given up, makes after all while this one is on its way: Docker refuses the name.
    const isLate = ({ id, state }: ActualContainer): boolean =>
      state === 'created' && this.now() - (this.firstSeenMs.get(id) ?? 0) < LAG_MS;
    const other = [...this.seen.values()].find((one) => one.instance === instance && !isLate(one));
    return other === undefined ? undefined : `there is ${other.id.slice(0, 8)} already`;
  }

  private releaseOf(instance: string): Release | undefined {
    const obeyed = this.knowledge.obeyed();
    const wanted = obeyed?.assignment.instances[instance];
    return wanted && obeyed?.releases.get(`${wanted.service}@${wanted.release}`);
  }
}

function isOne<Text extends string>(some: readonly Text[], text: string): text is Text {
  return (some as readonly string[]).includes(text);
}
