/** A world in which time passes: instances need some to become ready, fail after some, and are watched meanwhile. */
import { emptyDocument } from '../../lib/documents/codec';
import type { InstanceStatus, Rollout, ServiceIntent, ServiceStatus, UpdateConfig } from '../../lib/documents/types';
import { placementsOf, type Placement } from '../../coordinator/view';
import { nameOf, type Wanted } from './wanted';
import { World } from './world';

/** What an image does. @param ageMs since its host heard of the instance */
export type Program = (ageMs: number) => Partial<InstanceStatus>;

const exited = (code: number): InstanceStatus['lastExit'] => ({ code, oomKilled: false, atMs: 0, signal: '', log: [] });
const TICK_MS = 1000;
/** No program does anything new after this. */
const PROGRAM_MS = 4000;
/** At one time, one after another. */
const MAX_PLANS = 100;

export const PROGRAMS: Readonly<Record<string, Program>> = {
  good: () => ({}),
  slow: (ageMs) => ({ phase: ageMs < 3000 ? 'STARTING' : 'RUNNING' }),
  never: () => ({ phase: 'RUNNING', health: 'starting' }),
  bad: () => ({ phase: 'BACKOFF', lastExit: exited(3) }),
  late: (ageMs) => (ageMs < 3000 ? {} : { phase: 'BACKOFF', lastExit: exited(4) }),
  done: () => ({ phase: 'STOPPED', lastExit: exited(0) }),
};

export class RolloutWorld extends World {
  /** How jobs end. */
  job: 'succeeds' | 'fails' | 'hangs' = 'succeeds';
  /** Jobs that ran, each once. */
  readonly jobs = new Set<string>();
  /** Instances that crash whatever they are. */
  readonly crashed = new Set<string>();
  private readonly bornMs = new Map<string, number>();

  constructor(hosts = 3) {
    super();
    for (let at = 1; at <= hosts; at++) this.addHost(`h${at}`);
  }

  override act(): void {
    super.act();
    for (const host of [...this.hosts.values()]) {
      if (!host.isLive || host.status === undefined) continue;
      const instances = Object.entries(host.status.instances).map(([id, one]) => [id, this.live(id, one)] as const);
      this.set(host.name, { status: { ...host.status, instances: Object.fromEntries(instances) } });
    }
  }

  private live(id: string, one: InstanceStatus): InstanceStatus {
    if (!this.bornMs.has(id)) this.bornMs.set(id, this.wallMs);
    if (one.slot === 0) return { ...one, ...this.endOfJob(id) };
    const image = nameOf(this.releases.get(one.service)?.get(one.release)).split(':')[0]!;
    const program = this.crashed.has(id) ? PROGRAMS['bad']! : (PROGRAMS[image] ?? PROGRAMS['good']!);
    return { ...one, ...program(this.wallMs - this.bornMs.get(id)!) };
  }

  private endOfJob(id: string): Partial<InstanceStatus> {
    this.jobs.add(id);
    if (this.job === 'hangs') return { phase: 'RUNNING' };
    return { phase: 'STOPPED', lastExit: exited(this.job === 'fails' ? 1 : 0) };
  }

  /** Plans, lets hosts act, and lets time pass; where nothing stirs, it flies. @param look after each plan */
  run(forMs: number, look: () => void = () => undefined): this {
    const untilMs = this.wallMs + forMs;
    for (let [quietMs, busy] = [0, 0]; ;) {
      const changes = this.plan();
      look();
      this.act();
      if (changes > 0) {
        quietMs = 0;
        if (++busy > MAX_PLANS) throw new Error('its plans do not come to an end');
        continue;
      }
      busy = 0;
      if (this.wallMs >= untilMs) return this;
      const tickMs = quietMs > PROGRAM_MS ? Infinity : TICK_MS;
      const passedMs = Math.max(1, Math.min(tickMs, this.againInMs, untilMs - this.wallMs));
      this.wallMs += passedMs;
      quietMs += passedMs;
    }
  }

  status(service = 'web'): ServiceStatus {
    return this.serviceStatuses.get(service)!.document!;
  }

  move(service = 'web'): Rollout | undefined {
    return this.status(service).move;
  }

  placements(service = 'web'): readonly Placement[] {
    return [...this.hosts.values()].flatMap(placementsOf).filter((one) => one.service === service);
  }

  isWell({ id, host }: Placement): boolean {
    const { isLive, status } = this.hosts.get(host)!;
    const report = status?.instances[id];
    const isReady = report?.phase === 'RUNNING' && report.health === 'none';
    return isLive && (isReady || (report?.phase === 'STOPPED' && report.lastExit?.code === 0));
  }

  /** How many instances of each release there are: {1: 2, 2: 1}. */
  releasesOf(service = 'web'): Readonly<Record<number, number>> {
    const counts: Record<number, number> = {};
    for (const { release } of this.placements(service)) counts[release] = (counts[release] ?? 0) + 1;
    return counts;
  }

  intend(service: string, intent: Partial<ServiceIntent>): this {
    const before = this.serviceIntents.get(service);
    const document = { ...(before?.document ?? emptyDocument('ServiceIntent')), ...intent };
    this.serviceIntents.set(service, { document, modRevision: (before?.modRevision ?? 0) + 1 });
    return this;
  }

  drain(host: string, isOn = true): this {
    this.set(host, { intent: { ...emptyDocument('HostIntent'), drain: isOn } });
    return this;
  }
}

/** A service of three, unless it says otherwise, that is watched for five seconds. */
export function wanted(
  image: string,
  update: Partial<UpdateConfig> = {},
  { deploy, ...more }: Partial<Wanted> = {},
): Wanted {
  const updateConfig: UpdateConfig = {
    ...{ order: '', parallelism: 1, delayMs: 0, monitorMs: 5000, maxFailurePerMille: 0, failureAction: 'rollback' },
    ...update,
  };
  const rollbackConfig = { ...updateConfig, failureAction: 'pause', order: '' };
  return { image, replicas: 3, ...more, deploy: { updateConfig, rollbackConfig, ...deploy } };
}
