/** Everything that says why a service or an instance is as it is. */
import type { Release } from '../../lib/documents/types';
import { nearestName } from '../../lib/nearest';
import { textHash } from '../../lib/release/text-hash';
import { RpcError, type HostFit, type ListedInstance, type WhyRequest, type WhyResponse } from '../../lib/rpc/types';
import { FILTERS } from '../schedule/filters';
import { indexPauses, withPausedHosts } from '../schedule/pauses';
import { PlacementIndex } from '../schedule/placement-index';
import type { Candidate } from '../schedule/types';
import type { ClusterView } from '../view';
import { whyBound } from './bound';
import { requireKnown, type ApiContext } from './context';
import { instancesOf, listedHost, listedService, openAlarms } from './lists';
import { listedRelease, namesOf, statusOf, wishInForce } from './releases';

const MAX_FITS = 50;
const MAX_HOSTS = 20;

/** With what is wrong with labels for Traefik, which keeps nothing from running. */
export async function why(context: ApiContext, request: WhyRequest): Promise<WhyResponse> {
  const answer = whyAsReported(context, request);
  const { name, status } = answer.service;
  const { labelProblems } = await import('../discovery/traefik/document.js');
  const labels = labelProblems(context.cluster.view, name).map(({ label, message }) => ({
    ...{ rule: 'traefik-label', path: `labels.${label}`, line: 0, column: 0, key: '' },
    message: `${label}: ${message}`,
  }));
  return {
    ...answer,
    service: { ...answer.service, status: { ...status, problems: [...status.problems, ...labels] } },
  };
}

function whyAsReported(context: ApiContext, { name }: WhyRequest): WhyResponse {
  requireKnown(context);
  const { view } = context.cluster;
  const all = [...view.hosts.values()].flatMap((host) => instancesOf(host, view));
  if (namesOf(view).has(name)) return whyService(context, name, all);
  const instance = all.find(({ id }) => id === name);
  if (instance !== undefined) return whyInstance(context, instance);
  const nearest = nearestName(name, [...namesOf(view), ...all.map(({ id }) => id)]);
  const hint = nearest === undefined ? '' : ` (did you mean "${nearest}"?)`;
  throw new RpcError('not-found', `there is no service or instance "${name}"${hint}`);
}

function whyService(context: ApiContext, name: string, all: readonly ListedInstance[]): WhyResponse {
  const { view } = context.cluster;
  const { currentRelease, targetRelease, placed, wanted, unplaced, move } = statusOf(view, name);
  const instances = all.filter(({ status }) => status.service === name).sort(inOrder);
  const isShort = placed < wanted || unplaced.length > 0;
  const target = view.releases.get(name)?.get(targetRelease);
  return {
    ...about(context, name, [targetRelease, currentRelease, move?.failedRelease ?? 0]),
    isInstance: false,
    bound: '',
    instances,
    fits: isShort && target !== undefined ? fitsOf(context, target) : [],
  };
}

function whyInstance(context: ApiContext, instance: ListedInstance): WhyResponse {
  const { cluster } = context;
  const host = cluster.view.hosts.get(instance.host)!;
  const pause = indexPauses(cluster.pauses()).host.get(host.name);
  const { service, release } = instance.status;
  return {
    ...about(context, service, [release]),
    bound: whyBound(host, cluster.view.releases.get(service)?.get(release)),
    ...{ isInstance: true, instances: [instance], fits: [], host: listedHost(host, context, pause) },
  };
}

function about(context: ApiContext, name: string, numbers: readonly number[]) {
  const { cluster } = context;
  const { view } = cluster;
  const status = statusOf(view, name);
  const text = view.services.get(name)?.text;
  const written = view.serviceIntents.get(name)?.document.author;
  const author = text !== undefined && written?.textHash === textHash(text) ? written : undefined;
  const rollback = wishInForce(view, name);
  const releases = [...new Set(numbers)].flatMap((number) => view.releases.get(name)?.get(number) ?? []);
  return {
    service: listedService(name, context, indexPauses(cluster.pauses()).service.get(name)),
    releases: releases.sort((a, b) => b.number - a.number).map((release) => listedRelease(release, status)),
    ...(author && { author }),
    ...(rollback && { rollback }),
    alarms: openAlarms(view),
    freshness: cluster.freshness(),
  };
}

/** What hosts say to one more instance of a release. Those that say the same stand together, most of them first. */
function fitsOf({ cluster }: ApiContext, release: Release): readonly HostFit[] {
  const view: ClusterView = withPausedHosts(cluster.view, indexPauses(cluster.pauses()));
  const index = view.index ?? new PlacementIndex(view.hosts, view.releases);
  const groups = new Map<string, { hosts: string[]; reasons: readonly string[] }>();
  for (const host of [...view.hosts.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const reasons = refusalsOf({ host, usage: index.usageOf(host.name) }, release);
    const known = groups.get(reasons.join('\n'));
    if (known === undefined) groups.set(reasons.join('\n'), { hosts: [host.name], reasons });
    else known.hosts.push(host.name);
  }
  return [...groups.values()]
    .map(({ hosts, reasons }) => ({ hosts: hosts.slice(0, MAX_HOSTS), count: hosts.length, reasons }))
    .sort((a, b) => b.count - a.count)
    .slice(0, MAX_FITS);
}

function refusalsOf(candidate: Candidate, release: Release): readonly string[] {
  const failed = FILTERS.filter((filter) => !filter.check(candidate, release));
  // Of a host that is lost, nothing else is worth a word.
  const told = candidate.host.isLive ? failed : failed.slice(0, 1);
  return told.map((filter) => filter.explain(candidate, release));
}

function inOrder(a: ListedInstance, b: ListedInstance): number {
  return a.status.slot - b.status.slot || (a.id < b.id ? -1 : 1);
}
