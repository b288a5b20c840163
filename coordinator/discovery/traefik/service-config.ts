/** Pure: what one service's labels ask of Traefik, with where its healthy instances answer. */
import type { InstanceStatus, Release } from '../../../lib/documents/types';
import { joinAddress } from '../../../lib/listen-address';
import { fillPlaceholders } from '../../../lib/release/placeholders';
import { isReady } from '../../rollouts/readiness';
import type { HostView } from '../../view';
import { inDocument, isTree, readLabels, type LabelProblem, type Tree } from './labels';
import { PROTOCOLS, type Protocol, type Section } from './schema';

export interface InstanceReport {
  readonly host: HostView;
  readonly id: string;
  readonly status: InstanceStatus;
}

export interface ServiceConfig {
  readonly sections: Readonly<Record<Protocol, Readonly<Record<Section, Tree>>>>;
  readonly problems: readonly LabelProblem[];
}

/** Of one service of Traefik: what its servers are made from. */
interface ServerWish {
  readonly protocol: Protocol;
  readonly label: string;
  /** Name of a port, or its number in the container; undefined: the lowest that there is. */
  readonly port: string | undefined;
  readonly scheme: string;
  readonly tls: boolean;
}

/**
 * @param release whose labels count
 * @returns undefined when Traefik is to know nothing of it
 */
export function serviceConfig(release: Release, reports: readonly InstanceReport[]): ServiceConfig | undefined {
  const { labels, problems: unfilled } = filledLabels(release);
  const { isWanted, found, problems: misfits } = readLabels(labels);
  if (!isWanted) return undefined;
  const problems = [...unfilled, ...misfits];
  const tell = (label: string, message: string): unknown => problems.push({ label, message });
  const sections = Object.fromEntries(
    PROTOCOLS.map((protocol) => {
      const { routers, services, middlewares } = found[protocol];
      const kept = routersOf(protocol, routers, Object.keys(services), release.service, tell);
      const isDefault =
        Object.keys(services).length === 0 &&
        Object.values(kept).some((router) => isTree(router) && router['service'] === release.service);
      const wanted: Tree = isDefault ? { [release.service]: {} } : services;
      const balanced = Object.entries(wanted).map(([name, tree]) => [
        name,
        { loadBalancer: balancer(protocol, name, tree as Tree, release, reports, tell) },
      ]);
      return [protocol, { routers: kept, services: Object.fromEntries(balanced) as Tree, middlewares }] as const;
    }),
  ) as unknown as ServiceConfig['sections'];
  const isNothing = PROTOCOLS.every((protocol) => Object.keys(sections[protocol].routers).length === 0);
  if (isNothing && problems.length === 0 && PROTOCOLS.every((one) => Object.keys(sections[one].services).length === 0))
    tell(
      'traefik.enable',
      'no router says what is to come here; write traefik.http.routers.<name>.rule=Host(`example.com`)',
    );
  return { sections: inDocument(sections) as unknown as ServiceConfig['sections'], problems };
}

/** What differs from instance to instance can't stand in what is said once for all. */
function filledLabels({ container, service, config }: Release): {
  readonly labels: Readonly<Record<string, string>>;
  readonly problems: readonly LabelProblem[];
} {
  const problems: LabelProblem[] = [];
  const each = { 'Task.ID': '', 'Task.Name': '', 'Task.Slot': '', 'Node.Hostname': '', 'Node.ID': '' };
  const values = { 'Service.Name': service, 'Service.ID': service, ...each, labels: undefined };
  const labels = Object.entries(container.labels).flatMap(([label, text]) => {
    if (!label.toLowerCase().startsWith('traefik.')) return [];
    const filled = /\{\{\s*\.(?:Task|Node)\./.test(text)
      ? { problem: 'it is another one for each instance, and Traefik has one for all' }
      : fillPlaceholders(text, { ...values, config: (key) => config[key] });
    if (typeof filled === 'string') return [[label, filled] as const];
    problems.push({ label, message: filled.problem });
    return [];
  });
  return { labels: Object.fromEntries(labels), problems };
}

type Tell = (label: string, message: string) => unknown;

function routersOf(protocol: Protocol, routers: Tree, services: readonly string[], own: string, tell: Tell): Tree {
  const kept = Object.entries(routers).flatMap(([name, router]) => {
    const label = `traefik.${protocol}.routers.${name}`;
    if (!isTree(router) || router['rule'] === undefined) {
      tell(label, `it has no rule, and is left out; write ${label}.rule`);
      return [];
    }
    if (router['service'] !== undefined) return [[name, router] as const];
    if (services.length > 1) {
      tell(label, `which of ${services.join(', ')} is it for? It is left out; write ${label}.service`);
      return [];
    }
    return [[name, { ...router, service: services[0] ?? own }] as const];
  });
  return Object.fromEntries(kept);
}

/** Without a server it is one that answers 503, which is what a service is whose instances are all gone. */
function balancer(
  protocol: Protocol,
  name: string,
  tree: Tree,
  release: Release,
  reports: readonly InstanceReport[],
  tell: Tell,
): Tree {
  const given = isTree(tree['loadBalancer']) ? tree['loadBalancer'] : {};
  const { server = {}, ...rest } = given;
  const of = isTree(server) ? server : {};
  const wish: ServerWish = {
    ...{ protocol, label: `traefik.${protocol}.services.${name}.loadbalancer.server.port` },
    ...{ port: typeof of['port'] === 'string' ? of['port'] : undefined, tls: of['tls'] === true },
    scheme: typeof of['scheme'] === 'string' ? of['scheme'] : 'http',
  };
  const trouble = whyNoPort(wish, release);
  if (trouble !== undefined) tell(wish.label, trouble);
  const servers = trouble === undefined ? serversOf(wish, release, reports) : [];
  return { ...rest, servers };
}

function whyNoPort({ port }: ServerWish, { container }: Release): string | undefined {
  const isNumber = port !== undefined && /^\d{1,5}$/.test(port);
  if (container.networkMode === 'host')
    return isNumber ? undefined : 'with network_mode: host there is no port to choose; write its number on the host';
  const tcp = container.ports.filter(({ protocol }) => protocol === 'tcp');
  if (tcp.length === 0) return 'the service publishes no tcp port, and Traefik can not reach it';
  if (port === undefined || tcp.some(({ name, target }) => name === port || target === Number(port))) return undefined;
  const there = tcp.map(({ name, target }) => (name === '' ? String(target) : `${name} (${target})`)).join(', ');
  return `the service publishes no tcp port "${port}"; there are ${there}`;
}

function serversOf({ protocol, port, scheme, tls }: ServerWish, release: Release, reports: readonly InstanceReport[]) {
  const targets = release.container.ports.filter((one) => one.protocol === 'tcp').map(({ target }) => target);
  const wanted = port ?? String(Math.min(...targets));
  return reachable(reports)
    .sort((a, b) => a.status.slot - b.status.slot || (a.id < b.id ? -1 : 1))
    .flatMap(({ host, status }): readonly Tree[] => {
      const address = host.record?.address;
      const published =
        release.container.networkMode === 'host'
          ? Number(wanted)
          : status.ports.find((one) => one.protocol === 'tcp' && (one.name === wanted || one.target === Number(wanted)))
              ?.published;
      if (address === undefined || address === '' || published === undefined || published === 0) return [];
      const at = joinAddress(address, published);
      return [protocol === 'http' ? { url: `${scheme}://${at}` } : { address: at, ...(tls && { tls }) }];
    });
}

/**
 * The ready ones of live hosts. Where there is none of these, those that lost hosts reported last: the leases of all hosts
 * end at once when the agents can't reach etcd, and the instances run on. One that does not costs a 502 instead of a 503.
 */
function reachable(reports: readonly InstanceReport[]): InstanceReport[] {
  const ready = reports.filter(({ status }) => isReady(status));
  const live = ready.filter(({ host }) => host.isLive);
  return live.length > 0 ? live : ready;
}
