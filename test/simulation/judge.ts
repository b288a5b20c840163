/**
 * Judges every call that an agent makes to its engine by what the agent could know: the desired state that it began to keep,
 * and the last list that Docker gave to it.
 */
import type { CreateRequest } from '../../agent/docker/engine';
import type { MemoryDocker } from '../../agent/docker/simulated/memory-docker';
import type { DesiredCopy } from '../../agent/desired/disk-copy';
import { configOf } from '../../agent/plan/made-from';
import { runOf, type ActualContainer } from '../../agent/plan/types';
import type { Release } from '../../lib/documents/types';
import { isMadeFrom } from '../../lib/release/spec-hash';
import type { Renewals } from './renewals';
import type { EngineCall } from './simulated-process';

/** A creation may wait so long, for lists that hang, between its plan and its call. */
const LAG_MS = 120_000;

const MAY_RUN_ELSEWHERE = 'on_disconnect: it may run elsewhere by now, for all that this agent was ever told';

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
  readonly renewals: Renewals;
  /** Runs that agents of this host stopped since it was cut off. */
  readonly cutRuns: Set<string>;
  /** Somebody has set the clock of the host. */
  readonly hasJumped: () => boolean;
  /** Copies that it obeyed within this time. */
  readonly obeyedWithin: (ms: number) => readonly DesiredCopy[];
  /** Pauses, as this host's clock tells: kind and name. Undefined when its clock has jumped, and they can't be told. */
  readonly isPaused: (instance: string, service: string, copy: DesiredCopy) => boolean;
}

/** Of one agent process: what it has seen, and whether what it asks for has a reason (G1, G2, G3). */
export class Judge {
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
    if (call === 'stop' && this.isCutOff(release)) {
      this.knowledge.cutRuns.add(runOf(container));
      return undefined;
    }
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
    if (call === 'start' && this.mayRunElsewhere(release)) return MAY_RUN_ELSEWHERE;
    if (call === 'start' && this.knowledge.cutRuns.has(runOf(container))) return undefined;
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
    const release = this.releaseOf(instance);
    // Nobody runs a job that was another host's.
    const isJob = recent.some(({ assignment }) => assignment.instances[instance]?.before === true);
    if (release !== undefined && !isJob && this.mayRunElsewhere(release)) return MAY_RUN_ELSEWHERE;
    if (recent.every((copy) => this.knowledge.isPaused(instance, service, copy))) return 'hands off: it is paused';
    // What an earlier creation, which was given up, makes after all while this one is on its way: Docker refuses the name.
    const isLate = ({ id, state }: ActualContainer): boolean =>
      state === 'created' && this.now() - (this.firstSeenMs.get(id) ?? 0) < LAG_MS;
    const other = [...this.seen.values()].find((one) => one.instance === instance && !isLate(one));
    return other === undefined ? undefined : `there is ${other.id.slice(0, 8)} already`;
  }

  private isCutOff({ deploy }: Release): boolean {
    const { stopAfterMs } = deploy.onDisconnect;
    const { renewals, hasJumped } = this.knowledge;
    return stopAfterMs > 0 && (hasJumped() || this.now() - renewals.lastMs >= stopAfterMs);
  }

  private mayRunElsewhere({ deploy }: Release): boolean {
    return deploy.onDisconnect.stopAfterMs > 0 && !this.knowledge.renewals.isOfThisAgent;
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
