/** `berth plan`: what would follow if services were applied. Nothing is written. */
import type { ServiceStatus } from '../../lib/documents/types';
import type { PlannedInstance, PlannedService, PlanRequest, PlanResponse } from '../../lib/rpc/types';
import { changesBetween } from '../releases/changes';
import { differencesOf } from '../rehearsal/differences';
import { Rehearsal } from '../rehearsal/rehearsal';
import { actionOf, requireServices } from './apply';
import { requireKnown, type ApiContext } from './context';
import { refusals } from './refusals';
import { statusOf } from './releases';
import { worldAt } from './world';

/** Calls end after 10 s. */
const BUDGET_MS = 5000;
const MAX_STEPS = 5000;

export async function plan(context: ApiContext, request: PlanRequest): Promise<PlanResponse> {
  requireKnown(context);
  requireServices(request.services);
  const { view } = context.cluster;
  const freshness = context.cluster.freshness();
  const answer = {
    services: [],
    instances: [],
    refused: [],
    at: worldAt(view, freshness.revision),
    cutShort: '',
    freshness,
  };
  const refused = refusals(context, request);
  if (refused.length > 0) return { ...answer, refused };
  const applied = request.services.map((service) => actionOf(context, service, view.services.get(service.name)));
  const changed = request.services.filter((_, index) => applied[index]!.action !== 'unchanged');
  const rehearsal = rehearse(context, new Map(changed.map(({ name, document }) => [name, document])));
  const before = new Map(applied.map(({ name }) => [name, rehearsal.placementsOf(name)]));
  const cutShort = await run(rehearsal);
  const services = applied.map((one): PlannedService => {
    const now = before.get(one.name)!.length;
    return { applied: one, ...outcome(context, rehearsal, one.name, now) };
  });
  const instances = applied.flatMap(({ name }): readonly PlannedInstance[] => {
    const after = rehearsal.placementsOf(name);
    const { targetRelease } = rehearsal.statusOf(name) ?? statusOf(view, name);
    const isGlobal = rehearsal.releaseOf(name, targetRelease)?.deploy.mode === 'global';
    const releaseOf = (service: string, number: number) => rehearsal.releaseOf(service, number);
    return differencesOf({ before: before.get(name)!, after, releaseOf, isGlobal });
  });
  return { ...answer, services, instances, cutShort };
}

function rehearse(context: ApiContext, documents: ReadonlyMap<string, string>): Rehearsal {
  const { cluster, compile } = context;
  // Of its own, so that the leader's keep the texts that are in etcd.
  const compiled = new Map([...documents].map(([name, text]) => [name, compile(name, text)]));
  return new Rehearsal({
    ...{ view: cluster.view, documents, pauses: cluster.pauses(), wallMs: context.wallMs() },
    compile: (name, text) => (documents.get(name) === text ? compiled.get(name)! : compile(name, text)),
    random: Math.random,
    revision: cluster.freshness().revision,
  });
}

/** With turns for everybody else: this coordinator may lead. @returns why it ended early; empty when it did not */
async function run(rehearsal: Rehearsal): Promise<string> {
  const startedMs = performance.now();
  for (let steps = 1; ; steps++) {
    if (!rehearsal.step() || rehearsal.isSettled) return '';
    if (steps >= MAX_STEPS || performance.now() - startedMs > BUDGET_MS)
      return `the rollouts take more than ${steps} steps, which are as many as are looked at`;
    await new Promise((wake) => setImmediate(wake));
  }
}

function outcome(
  { cluster: { view } }: ApiContext,
  rehearsal: Rehearsal,
  name: string,
  before: number,
): Omit<PlannedService, 'applied'> {
  const status = rehearsal.statusOf(name);
  const { phases, unplaced } = rehearsal.seenOf(name);
  const wanted = statusOf(view, name).targetRelease;
  const tried = triedBy(status);
  const [old, next] = [wanted, tried].map((number) => rehearsal.releaseOf(name, number));
  const failure = ['rolled-back', 'failed'].includes(status?.rollout ?? '') ? (status?.move?.reason ?? '') : '';
  const isShort = failure !== '' || (status?.placed ?? 0) < (status?.wanted ?? 0);
  return {
    ...{ release: tried, newRelease: view.releases.get(name)?.has(tried) !== true && tried > 0 },
    changes: next === undefined ? [] : changesBetween(old, next),
    ...{ phases, unplaced: isShort ? unplaced : [], before, after: rehearsal.placementsOf(name).length },
    failure,
  };
}

/** The release that its rollout went to, whatever became of it. */
function triedBy(status: ServiceStatus | undefined): number {
  const failed = status?.move?.failedRelease ?? 0;
  return failed > 0 ? failed : (status?.targetRelease ?? 0);
}
