/** Pure: what should become of one service now. */
import type { Pause, Problem, Release, Rollout } from '../../lib/documents/types';
import { decideRelease, type ReleaseDecision } from '../releases/cut-release';
import type { PlannedStatus } from '../releases/whole-releases';
import { whyFrozen } from '../rollouts/freeze';
import { liveReportOf, newestOf, type Placement } from '../view';
import { withQuestion } from './asking';
import { deletedSinceMs } from './brakes';
import { isPinned, unpaused } from './pauses';
import { planRollout, type RolloutPlan } from '../rollouts/plan-rollout';
import { isReady } from '../rollouts/readiness';
import { circleFrom, textOfCircle } from '../rollouts/waits-for';
import type { CompiledService, ServiceInput } from './types';

/** Releases that are kept of each service, those in use aside. */
export const KEPT_RELEASES = 10;

export interface ServicePlan {
  /** To be written before any assignment names it. */
  readonly newRelease?: Release;
  readonly placements: readonly Placement[];
  /** Undefined: there is none, or it is to be deleted. */
  readonly status: PlannedStatus | undefined;
  readonly dropReleases: readonly number[];
  /** Hosts that are to have the image of a release before it is placed there: its number, by host. */
  readonly prefetch?: ReadonlyMap<string, number>;
  /** Whom to ask for the digest of an image. */
  readonly resolve?: { readonly host: string; readonly image: string; readonly question: number };
  /** It is to be planned again after so long, if nothing happens before. */
  readonly againInMs?: number;
}

export function planService(input: ServiceInput): ServicePlan {
  const { document, view, service } = input;
  const releases = view.releases.get(service) ?? new Map<number, Release>();
  const pause = input.pauses.service.get(service);
  if (pause !== undefined) return planPaused(input, releases, pause);
  if (document === undefined) return planRemoval(input, releases);
  return planGoing(input, document, releases);
}

function planGoing(
  input: ServiceInput,
  document: NonNullable<ServiceInput['document']>,
  releases: ReadonlyMap<number, Release>,
): ServicePlan {
  const frozen = whyFrozen(input.view, input.service);
  const newest = newestOf(releases);
  const problems = [...problemsOf(input, document.compiled)];
  const mayCut = frozen === '' && (problems.length === 0 || !document.compiled.ok);
  const decision: ReleaseDecision = mayCut ? decideRelease(input, newest) : { problems: [] };
  if (document.compiled.ok) problems.push(...decision.problems);
  const redeploy = decision.redeploy ?? input.view.serviceStatuses.get(input.service)?.document?.redeploy;
  const said = {
    ...(redeploy && { redeploy }),
    ...{ frozen, problems, accepted: problems.length === 0, deletedAtMs: 0, stuck: {} },
    serviceRevision: document.modRevision,
  };
  const latest = decision.release ?? newest;
  // A release that can't be read and is newer than what can is no reason to go back to an older one.
  const isBlind =
    decision.release === undefined &&
    problems.length > 0 &&
    unreadableNumbers(input).some((number) => number > (newest?.number ?? 0));
  if (latest === undefined || isBlind) {
    const status = { ...lastStatus(input), ...said };
    return withQuestion({ placements: input.placements, status, dropReleases: [] }, input, decision.resolving);
  }
  const known = new Map(releases).set(latest.number, latest);
  const plan = planRollout({
    ...{ ...input, releases: known, newest: latest },
    ...{ modRevision: document.modRevision, isFrozen: frozen !== '' },
  });
  const { placements, unplaced, stuck, prefetch, againInMs } = plan;
  const planned: ServicePlan = {
    ...(decision.release && { newRelease: decision.release }),
    ...(againInMs !== undefined && { againInMs }),
    ...{ placements, prefetch },
    status: { ...said, ...summarise(input, plan), unplaced, stuck },
    dropReleases: superfluous([...known.keys(), ...unreadableNumbers(input)], plan),
  };
  return withQuestion(planned, input, decision.resolving);
}

/** What is wrong with the document, its config aside. */
function problemsOf({ view, service }: ServiceInput, compiled: CompiledService): readonly Problem[] {
  if (!compiled.ok) return compiled.problems;
  const circle = circleFrom(view, service, compiled.deploy.waitsFor);
  if (circle === undefined) return [];
  const at = { path: `depends_on.${circle[1] ?? service}`, line: 0, column: 0, key: '' };
  return [{ rule: 'cycle', ...at, message: textOfCircle(circle) }];
}

const NO_COUNTS = {
  currentRelease: 0,
  targetRelease: 0,
  rollout: 'steady',
  wanted: 0,
  placed: 0,
  running: 0,
  unplaced: [],
  deletedAtMs: 0,
  frozen: '',
  stuck: {},
};

/** What was said of the service before, apart from its pause. */
function lastStatus({ view, service }: ServiceInput): PlannedStatus {
  const before = view.serviceStatuses.get(service)?.document;
  return before === undefined ? { ...NO_COUNTS, serviceRevision: 0, accepted: true, problems: [] } : unpaused(before);
}

/** Hands off: no release is cut, nothing comes, nothing goes. Its document is read all the same, so that a slip is told now. */
function planPaused(input: ServiceInput, releases: ReadonlyMap<number, Release>, pause: Pause): ServicePlan {
  const { document, placements } = input;
  const newest = newestOf(releases);
  // Never heard of, or known by its hosts alone.
  if (document === undefined && newest === undefined) return { placements, status: undefined, dropReleases: [] };
  const { compiled, modRevision = 0 } = document ?? {};
  const status = {
    ...lastStatus(input),
    ...countsOf(input, placements),
    ...(compiled && {
      serviceRevision: modRevision,
      accepted: compiled.ok,
      problems: compiled.ok ? [] : compiled.problems,
    }),
    ...{ unplaced: [], rollout: 'paused', pause },
  };
  return { placements, status, dropReleases: [] };
}

function unreadableNumbers({ view, service }: ServiceInput): readonly number[] {
  return [...(view.unreadableReleases?.get(service) ?? [])];
}

/** Its key is gone while its releases are there: it was deleted. Its releases go when no host runs it any more. */
function planRemoval(input: ServiceInput, releases: ReadonlyMap<number, Release>): ServicePlan {
  const { service, view, placements, usage, pauses } = input;
  const numbers = [...new Set([...releases.keys(), ...unreadableNumbers(input)])];
  // Never heard of, or all of etcd was emptied: no reason to stop anything (G3).
  if (numbers.length === 0) return { placements, status: undefined, dropReleases: [] };
  const deletedAtMs = deletedSinceMs(view.serviceStatuses.get(service)?.document, input.wallMs);
  const frozen = whyFrozen(view, service);
  if (frozen !== '' || input.brakes.services.has(service))
    return { placements, status: { ...lastStatus(input), rollout: 'held', frozen, deletedAtMs }, dropReleases: [] };
  const kept = placements.filter((placement) => isPinned(pauses, placement));
  for (const placement of placements)
    if (!kept.includes(placement)) usage.giveBack(placement, releases.get(placement.release));
  const isReported = input.reports().some(({ host }) => host.isLive);
  if (placements.length === 0 && !isReported) return { placements: [], status: undefined, dropReleases: numbers };
  const nothing = { rollout: 'stopping', frozen: '', wanted: 0, placed: kept.length, running: 0, unplaced: [] };
  return { placements: kept, status: { ...lastStatus(input), ...nothing, deletedAtMs }, dropReleases: [] };
}

function summarise(input: ServiceInput, { target, current, wanted, rollout, placements }: RolloutPlan) {
  return {
    ...{ currentRelease: current, targetRelease: target.number, wanted, rollout: wordOf(rollout) },
    ...countsOf(input, placements),
    ...(rollout && { move: rollout }),
  };
}

function countsOf({ view }: ServiceInput, placements: readonly Placement[]) {
  const instances = placements.filter(({ isBefore }) => !isBefore);
  const isUp = (one: Placement): boolean => isReady(liveReportOf(view, one));
  return { placed: instances.length, running: instances.filter(isUp).length };
}

function wordOf(rollout: Rollout | undefined): string {
  if (rollout === undefined) return 'steady';
  return { stopped: 'failed', 'rolled-back': 'rolled-back' }[rollout.phase] ?? 'rolling';
}

/** The oldest ones beyond the last ten, unless an instance still needs them, or a failure would. */
function superfluous(numbers: readonly number[], { placements, target, current }: RolloutPlan): readonly number[] {
  const inUse = new Set([...placements.map(({ release }) => release), target.number, current]);
  const newestFirst = [...new Set(numbers)].sort((a, b) => b - a);
  return newestFirst.slice(KEPT_RELEASES).filter((number) => !inUse.has(number));
}
