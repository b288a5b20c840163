/** Pure: what should become of one service now. */
import type { Problem, Release, ServiceStatus } from '../../lib/documents/types';
import { instanceId } from '../../lib/names';
import { isUsable, reportOf, type ClusterView, type Placement } from '../view';
import { chooseHost, whyNot } from './choose-host';
import { pointTo } from './point-placement';
import { isReady, planRollout, slotKey } from './rollout';
import type { Candidate, HostUsage } from './types';
import { emptyUsage, giveBack, take, usageOf } from './usage';

/** What the document of a service says, compiled; or why it can't be used. */
export type CompiledService =
  | { readonly ok: true; readonly container: Release['container']; readonly deploy: Release['deploy'] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reasons of this many hosts go into the service's status. */
const MAX_UNPLACED_HOSTS = 20;
/** Releases that are kept of each service, those in use aside. */
export const KEPT_RELEASES = 10;

export interface ServiceInput {
  readonly service: string;
  readonly view: ClusterView;
  /** Undefined when its key is gone. */
  readonly document: { readonly compiled: CompiledService; readonly modRevision: number } | undefined;
  /** All of the service's placements, as they are. */
  readonly placements: readonly Placement[];
  /** What is taken on each host, by all services. Changed in place, as instances are placed and removed. */
  readonly usage: Map<string, HostUsage>;
  /** Numbers in [0, 1), for ids of instances. */
  readonly random: () => number;
  readonly wallMs: number;
}

export interface ServicePlan {
  /** To be written before any assignment names it. */
  readonly newRelease?: Release;
  readonly placements: readonly Placement[];
  /** Undefined: there is none, or it is to be deleted. */
  readonly status: ServiceStatus | undefined;
  readonly dropReleases: readonly number[];
}

export function planService(input: ServiceInput): ServicePlan {
  const { document, view, service } = input;
  const releases = view.releases.get(service) ?? new Map<number, Release>();
  if (document === undefined) return planRemoval(input, releases);
  const newest = newestOf(releases);
  const newRelease = cutRelease(input, releases, newest);
  const target = newRelease ?? newest;
  const problems = document.compiled.ok ? [] : document.compiled.problems;
  const base = { serviceRevision: document.modRevision, accepted: document.compiled.ok, problems };
  if (target === undefined)
    return { placements: input.placements, status: { ...NO_COUNTS, ...base }, dropReleases: [] };
  const known = new Map(releases).set(target.number, target);
  const { placements, unplaced } = place(input, target, known, input.placements);
  const status = { ...base, ...summarise(input, target, placements), unplaced };
  return {
    ...(newRelease && { newRelease }),
    placements,
    status,
    dropReleases: superfluous(known, placements, target),
  };
}

const NO_COUNTS = {
  currentRelease: 0,
  targetRelease: 0,
  rollout: 'steady',
  wanted: 0,
  placed: 0,
  running: 0,
  unplaced: [],
};

/** Its key is gone while its releases are there: it was deleted. Its releases go when no host runs it any more. */
function planRemoval(
  { service, view, placements, usage }: ServiceInput,
  releases: ReadonlyMap<number, Release>,
): ServicePlan {
  const newest = newestOf(releases);
  // Never heard of, or all of etcd was emptied: no reason to stop anything (G3).
  if (newest === undefined) return { placements, status: undefined, dropReleases: [] };
  for (const placement of placements)
    giveBack(usageOf(usage, placement.host), placement, releases.get(placement.release));
  const isReported = [...view.hosts.values()].some(
    ({ isLive, status }) =>
      isLive && Object.values(status?.instances ?? {}).some((instance) => instance.service === service),
  );
  if (placements.length === 0 && !isReported)
    return { placements: [], status: undefined, dropReleases: [...releases.keys()] };
  const before = view.serviceStatuses.get(service)?.document;
  const status = {
    ...NO_COUNTS,
    serviceRevision: 0,
    accepted: true,
    problems: [],
    ...before,
    rollout: 'stopping',
    wanted: 0,
    placed: 0,
    running: 0,
    unplaced: [],
  };
  return { placements: [], status, dropReleases: [] };
}

function newestOf(releases: ReadonlyMap<number, Release>): Release | undefined {
  return releases.get(Math.max(0, ...releases.keys()));
}

function cutRelease(
  { service, document, view, wallMs }: ServiceInput,
  releases: ReadonlyMap<number, Release>,
  newest: Release | undefined,
): Release | undefined {
  if (document?.compiled.ok !== true) return undefined;
  const { container, deploy } = document.compiled;
  if (newest !== undefined && sameText(newest.container, container) && sameText(newest.deploy, deploy))
    return undefined;
  // Hosts may still run releases of a service whose documents were lost: their numbers are not given out again.
  const reported = [...view.hosts.values()].flatMap(({ status }) =>
    Object.values(status?.instances ?? {}).map((instance) => (instance.service === service ? instance.release : 0)),
  );
  const number = Math.max(0, ...releases.keys(), ...reported) + 1;
  const unpinned = !container.image.includes('@sha256:');
  return { service, number, container, deploy, createdAtMs: wallMs, serviceRevision: document.modRevision, unpinned };
}

function sameText(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

interface Placed {
  readonly placements: readonly Placement[];
  readonly unplaced: ServiceStatus['unplaced'];
}

function place(
  input: ServiceInput,
  target: Release,
  releases: ReadonlyMap<number, Release>,
  before: readonly Placement[],
): Placed {
  const { view, usage } = input;
  const pointed = before.map((placement) => pointTo(input, target, placement, releases));
  const wanted = wantedSlots(input, target, pointed);
  const surplus = pointed.filter((placement) => !wanted.has(slotKey(placement, target)));
  const step = planRollout({
    target,
    placements: pointed.filter((placement) => !surplus.includes(placement)),
    reportOf: (placement) => reportOf(view, placement),
  });
  for (const gone of [...surplus, ...step.removed])
    giveBack(usageOf(usage, gone.host), gone, releases.get(gone.release));
  const placements = [...step.kept];
  const refusals = new Map<string, string>();
  const put = (slot: number, only: string | undefined, preferred: string | undefined): void => {
    const placement = placeOne(input, target, slot, only, preferred, refusals);
    if (placement !== undefined) placements.push(placement);
  };
  for (const old of step.replaced) put(old.slot, target.deploy.mode === 'global' ? old.host : undefined, old.host);
  const taken = new Set([...step.kept, ...step.replaced].map((placement) => slotKey(placement, target)));
  for (const [key, slot] of wanted) if (!taken.has(key)) put(slot.slot, slot.host, undefined);
  const unplaced = [...refusals].slice(0, MAX_UNPLACED_HOSTS).map(([host, reason]) => ({ host, reason }));
  return { placements, unplaced };
}

interface WantedSlot {
  readonly slot: number;
  /** Global services: the host that it is for. */
  readonly host?: string;
}

/** By slot key. A global service wants a slot on every host that can take it, and keeps those on hosts that are lost. */
function wantedSlots(
  { view, usage }: ServiceInput,
  target: Release,
  before: readonly Placement[],
): ReadonlyMap<string, WantedSlot> {
  const wanted = new Map<string, WantedSlot>();
  const add = (slot: WantedSlot): void =>
    void wanted.set(slotKey({ host: slot.host ?? '', slot: slot.slot }, target), slot);
  if (target.deploy.mode !== 'global') {
    for (let slot = 1; slot <= target.deploy.replicas; slot++) add({ slot });
    return wanted;
  }
  const occupied = new Set(before.map(({ host }) => host));
  for (const host of view.hosts.values())
    if (
      occupied.has(host.name)
        ? staysGlobal(host, target)
        : whyNot({ host, usage: usageOf(usage, host.name) }, target) === undefined
    )
      add({ slot: 1, host: host.name });
  return wanted;
}

/** A host that has an instance already keeps it unless the constraints say otherwise: its own usage is no reason to go. */
function staysGlobal(host: Candidate['host'], target: Release): boolean {
  if (!isUsable(host)) return true;
  const withoutUsage = { ...target, deploy: { ...target.deploy, reservations: { nanoCpus: 0, memoryBytes: 0 } } };
  const refusal = whyNot({ host: { ...host, intent: { drain: false } }, usage: emptyUsage() }, withoutUsage);
  return refusal === undefined;
}

function placeOne(
  { view, usage, service, random }: ServiceInput,
  target: Release,
  slot: number,
  only: string | undefined,
  preferred: string | undefined,
  refusals: Map<string, string>,
): Placement | undefined {
  const hosts = [...view.hosts.values()].filter(({ name }) => only === undefined || name === only);
  const choice = chooseHost(
    hosts.map((host) => ({ host, usage: usageOf(usage, host.name) })),
    target,
    preferred,
  );
  if ('refusals' in choice) {
    for (const [host, reason] of choice.refusals) refusals.set(host, reason);
    return undefined;
  }
  const placement = { id: instanceId(service, slot, random), host: choice.host, service, slot, release: target.number };
  take(usageOf(usage, choice.host), placement, target);
  return placement;
}

function summarise(input: ServiceInput, target: Release, placements: readonly Placement[]) {
  const { view, service } = input;
  const reports = placements.map((placement) => ({
    placement,
    isUp: isReady(reportOf(view, placement)) && view.hosts.get(placement.host)?.isLive === true,
  }));
  const wanted = target.deploy.mode === 'global' ? wantedSlots(input, target, placements).size : target.deploy.replicas;
  const current = reports.filter(({ placement }) => placement.release === target.number);
  const isWhole =
    placements.every(({ release }) => release === target.number) &&
    current.length >= wanted &&
    current.every(({ isUp }) => isUp);
  const before = view.serviceStatuses.get(service)?.document?.currentRelease ?? 0;
  return {
    currentRelease: isWhole ? target.number : before,
    targetRelease: target.number,
    rollout: isWhole || before === target.number ? 'steady' : 'rolling',
    wanted,
    placed: placements.length,
    running: reports.filter(({ isUp }) => isUp).length,
  };
}

/** The oldest ones beyond the last ten, unless an instance still needs them. */
function superfluous(
  releases: ReadonlyMap<number, Release>,
  placements: readonly Placement[],
  target: Release,
): readonly number[] {
  const inUse = new Set(placements.map(({ release }) => release)).add(target.number);
  const numbers = [...releases.keys()].sort((a, b) => b - a);
  return numbers.slice(KEPT_RELEASES).filter((number) => !inUse.has(number));
}
