/** What operators ask about the releases of a service: its history, an older one, its canaries promoted. */
import { emptyDocument } from '../../lib/documents/codec';
import type { Release, RollbackWish, ServiceStatus } from '../../lib/documents/types';
import type { Compare } from '../../lib/etcd/store';
import {
  RpcError,
  type GetHistoryRequest,
  type GetHistoryResponse,
  type ListedRelease,
  type PromoteRequest,
  type PromoteResponse,
  type RollbackRequest,
  type RollbackResponse,
} from '../../lib/rpc/types';
import { nextNumber } from '../releases/cut-release';
import type { InstanceReport } from '../schedule/types';
import { newestOf, type ClusterView } from '../view';
import { requireKnown, type ApiContext } from './context';
import { editServiceIntent, requireThawed } from './intents';
import { commit, requireName, requireShort } from './writes';

const NO_RELEASES: ReadonlyMap<number, Release> = new Map();

export function getHistory(context: ApiContext, { service }: GetHistoryRequest): GetHistoryResponse {
  requireKnown(context);
  const { view } = context.cluster;
  requireName('service', service, namesOf(view));
  const releases = view.releases.get(service) ?? NO_RELEASES;
  const status = statusOf(view, service);
  const rollback = wishInForce(view, service);
  return {
    releases: [...releases.values()].sort((a, b) => b.number - a.number).map((one) => listedRelease(one, status)),
    status,
    ...(rollback && { rollback }),
    unreadable: [...(view.unreadableReleases?.get(service) ?? [])].sort((a, b) => b - a),
    freshness: context.cluster.freshness(),
  };
}

/** @returns what an operator asked for instead of the newest release, until another one is cut */
export function wishInForce(view: ClusterView, service: string): RollbackWish | undefined {
  const releases = view.releases.get(service) ?? NO_RELEASES;
  const wish = view.serviceIntents.get(service)?.document.rollback;
  return wish?.insteadOf === newestNumber(releases) && releases.has(wish.release) ? wish : undefined;
}

export function listedRelease(release: Release, { wholeReleases }: ServiceStatus): ListedRelease {
  const { number, createdAtMs, author, container, unpinnedReason, changes, reason } = release;
  const [reference = '', digest = ''] = container.image.split('@');
  const image = release.image === '' ? reference : (release.image.split('@')[0] ?? '');
  return {
    ...{ number, createdAtMs, author, image, digest, unpinnedReason, changes, reason },
    whole: wholeReleases.includes(number),
  };
}

export async function rollback(context: ApiContext, request: RollbackRequest): Promise<RollbackResponse> {
  requireKnown(context);
  requireShort(request);
  const { service, by } = request;
  const { view } = context.cluster;
  requireName('service', service, view.services);
  requireThawed(view, service);
  const releases = view.releases.get(service) ?? NO_RELEASES;
  const { targetRelease, move } = statusOf(view, service);
  const release = request.release === 0 ? lastWhole(view, service, releases) : request.release;
  if (!releases.has(release)) {
    const what =
      release > newestNumber(releases) ? `there is no ${service}@${release} yet` : `${service}@${release} is gone`;
    throw new RpcError('refused', `${what}. ${thoseThatAreThere(service, releases)}`);
  }
  if (release === targetRelease)
    throw new RpcError('refused', `${service}@${release} is what it is at, or on its way to, already`);
  const hasFailed = move?.failedRelease === release && move.failedRevision === view.services.get(service)!.modRevision;
  if (hasFailed)
    throw new RpcError('refused', `${service}@${release} is what failed. "berth apply" of its file is another try`);
  const wish: RollbackWish = { release, insteadOf: newestNumber(releases), by, atMs: context.wallMs() };
  const edit = await editServiceIntent(context, service);
  const { compares, writes } = edit.change({ ...edit.before, rollback: wish });
  await commit(context, [nextRelease(context, service), ...compares], writes, `what is wanted of ${service}`);
  return { release, from: targetRelease };
}

/** Before the present target, and not what the last rollout failed with. */
function lastWhole(view: ClusterView, service: string, releases: ReadonlyMap<number, Release>): number {
  const { wholeReleases, targetRelease, move } = statusOf(view, service);
  const failed = move?.failedRelease ?? 0;
  const whole = wholeReleases.filter((number) => number < targetRelease && number !== failed && releases.has(number));
  const last = Math.max(0, ...whole);
  if (last > 0) return last;
  throw new RpcError(
    'refused',
    `no release of ${service} before ${service}@${targetRelease} was ever whole. ${thoseThatAreThere(service, releases)}`,
  );
}

function thoseThatAreThere(service: string, releases: ReadonlyMap<number, Release>): string {
  const numbers = [...releases.keys()].sort((a, b) => b - a);
  if (numbers.length === 0) return `${service} has no release yet`;
  return `There ${numbers.length === 1 ? 'is' : 'are'} ${numbers.map((number) => `@${number}`).join(', ')}; "berth history ${service}" says what is in them`;
}

export async function promote(context: ApiContext, { service }: PromoteRequest): Promise<PromoteResponse> {
  requireKnown(context);
  const { view } = context.cluster;
  requireName('service', service, view.services);
  requireThawed(view, service);
  const { move } = statusOf(view, service);
  if (move?.phase !== 'canary') {
    const state = move === undefined ? 'no rollout is under way' : `its rollout is ${move.phase}`;
    throw new RpcError('refused', `${service} has no canaries that wait: ${state}. "berth why ${service}" tells more`);
  }
  const edit = await editServiceIntent(context, service);
  const { compares, writes } = edit.change({ ...edit.before, promote: move.to });
  await commit(context, compares, writes, `what is wanted of ${service}`);
  return { release: move.to };
}

export function statusOf(view: ClusterView, service: string): ServiceStatus {
  return view.serviceStatuses.get(service)?.document ?? emptyDocument('ServiceStatus');
}

/** Of all services that something is known of, those that are being removed among them. */
export function namesOf({ services, releases, serviceStatuses }: ClusterView): ReadonlySet<string> {
  return new Set([...services.keys(), ...releases.keys(), ...serviceStatuses.keys()]);
}

export function newestRelease({ releases }: ClusterView, service: string): Release | undefined {
  return newestOf(releases.get(service));
}

/** Holds while no release is cut: a wish for what is to be instead of the newest one would be for another. */
export function nextRelease({ cluster: { view }, keys }: ApiContext, service: string): Compare {
  const reports = (): readonly InstanceReport[] => view.index?.reportsOf(service) ?? [];
  return { key: keys.release(service, nextNumber({ service, view, reports })), createRevision: 0 };
}

function newestNumber(releases: ReadonlyMap<number, Release>): number {
  return newestOf(releases)?.number ?? 0;
}
