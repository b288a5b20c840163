/** Pure: which rollouts may be under way at once, so that one edit that concerns all services is no stampede. */
import type { Rollout, ServiceStatus } from '../../lib/documents/types';
import type { PlannedStatus } from '../releases/whole-releases';
import type { ClusterView } from '../view';
import { whyFrozen } from './freeze';
import { whyWaits } from './waits-for';

/** Rollouts at once, when the cluster's intent says nothing. */
const DEFAULT_ROLLOUTS = 5;
/** Phases in which a rollout has a place. */
export const ACTIVE: ReadonlySet<string> = new Set(['before', 'prefetching', 'canary', 'moving']);

interface Waiting {
  readonly service: string;
  readonly createdAtMs: number;
}

/** Of one plan of the cluster; its services are planned one after another, and take places in the order of their releases. */
export class Turns {
  private known: { readonly active: Set<string>; readonly waiting: readonly Waiting[] } | undefined;

  /** Of services that were planned before, in this plan: what the view does not say yet. */
  private readonly planned = new Map<string, PlannedStatus | undefined>();

  constructor(private readonly view: ClusterView) {}

  /** From now on this is what others wait for. */
  note(service: string, status: PlannedStatus | undefined): void {
    this.planned.set(service, status);
    // What it had until this plan is another's from now on.
    if (!isActive(status)) this.known?.active.delete(service);
  }

  statusOf(service: string): PlannedStatus | undefined {
    if (this.planned.has(service)) return this.planned.get(service);
    return this.view.serviceStatuses.get(service)?.document;
  }

  /** @param createdAtMs of the release that the service waits to move to. @returns whether it may move now */
  take(service: string, createdAtMs: number): boolean {
    const { active, waiting } = this.load();
    if (active.has(service)) return true;
    let free = (this.view.clusterIntent.document.maxRollouts || DEFAULT_ROLLOUTS) - active.size;
    for (const other of waiting) {
      if (free <= 0 || compare(other, { service, createdAtMs }) >= 0) break;
      if (other.service !== service && !active.has(other.service)) free--;
    }
    if (free <= 0) return false;
    active.add(service);
    return true;
  }

  /** When somebody asks for a place: most plans have nobody who does, and it looks at every service. */
  private load(): NonNullable<Turns['known']> {
    return (this.known ??= this.find());
  }

  private find(): NonNullable<Turns['known']> {
    const active = new Set<string>();
    const waiting: Waiting[] = [];
    for (const [service, { document }] of this.view.serviceStatuses) {
      const move = document?.move;
      if (document === undefined || move === undefined || !isCounted(move)) continue;
      if (isActive(document)) active.add(service);
      else if (move.phase === 'waiting' && this.isWaiting(service, document, move))
        waiting.push({ service, createdAtMs: this.view.releases.get(service)?.get(move.to)?.createdAtMs ?? 0 });
    }
    for (const [service, status] of this.planned) if (!isActive(status)) active.delete(service);
    return { active, waiting: waiting.sort(compare) };
  }

  /** For nothing but its turn. */
  private isWaiting(service: string, { rollout }: ServiceStatus, { to }: Rollout): boolean {
    const release = this.view.releases.get(service)?.get(to);
    if (release === undefined || rollout === 'paused' || !this.view.services.has(service)) return false;
    return whyFrozen(this.view, service) === '' && whyWaits(this.view, release, (name) => this.statusOf(name)) === '';
  }
}

/** What is paused, frozen or being removed moves nothing, and may be so for days: it keeps nobody from moving. */
const AT_A_STANDSTILL: ReadonlySet<string> = new Set(['paused', 'held', 'stopping']);

function isActive(status: PlannedStatus | undefined): boolean {
  if (status?.move === undefined || status.frozen !== '' || AT_A_STANDSTILL.has(status.rollout)) return false;
  return ACTIVE.has(status.move.phase);
}

/** First releases run beside nothing, and what only leaves a host has its own limits. */
function isCounted({ from, to, isRollback }: Rollout): boolean {
  return from > 0 && (from !== to || isRollback);
}

function compare(a: Waiting, b: Waiting): number {
  return a.createdAtMs - b.createdAtMs || (a.service < b.service ? -1 : Number(a.service > b.service));
}
