/** Where instances answer, as etcd has it, beside what their hosts report: what is not published, and why. */
import { decodeDocument, DocumentError } from '../../lib/documents/codec';
import type { InstanceStatus, Problem } from '../../lib/documents/types';
import { StoreError, type KeyValue } from '../../lib/etcd/store';
import {
  RpcError,
  type ListedEndpoint,
  type ListedInstance,
  type ListEndpointsRequest,
  type ListEndpointsResponse,
  type UnpublishedInstance,
} from '../../lib/rpc/types';
import { requireKnown, type ApiContext } from './context';
import { instancesOf } from './lists';
import { namesOf } from './releases';

/** More services are read with all others: one call each would take longer. */
const MAX_RANGES = 16;
/** Of garbage, the first tell enough. */
const MAX_PROBLEMS = 20;

export async function listEndpoints(
  context: ApiContext,
  request: ListEndpointsRequest,
): Promise<ListEndpointsResponse> {
  requireKnown(context);
  const services = new Set(request.services);
  const kvs = await read(context, services);
  const { view } = context.cluster;
  const instances = new Map<string, ListedInstance>();
  for (const host of view.hosts.values())
    for (const one of instancesOf(host, view)) if (isOneOf(services, one.status.service)) instances.set(one.id, one);
  const { endpoints, problems } = readEndpoints(kvs, context);
  const published = new Set(endpoints.map(({ instance }) => instance));
  const known = namesOf(view);
  const withEndpoints = new Set(endpoints.map(({ service }) => service));
  return {
    endpoints: endpoints
      .map((one) => ({ ...one, doubt: doubtOf(one, instances.get(one.instance), known) }))
      .sort(inOrder),
    unpublished: [...instances.values()]
      // Jobs are in no slot: nobody connects to them.
      .filter(({ id, status }) => !published.has(id) && status.slot > 0)
      .map(unpublished)
      .sort(inOrder),
    problems: problems.slice(0, MAX_PROBLEMS),
    unknown: [...services].filter((name) => !known.has(name) && !withEndpoints.has(name)),
    freshness: context.cluster.freshness(),
  };
}

/** Settles when the view is as new as what was read: an instance that both tell of is told of as of one time. */
async function read({ store, keys, cluster }: ApiContext, services: ReadonlySet<string>): Promise<readonly KeyValue[]> {
  const isFew = services.size > 0 && services.size <= MAX_RANGES;
  const prefixes = isFew ? [...services].map((name) => keys.endpointsOf(name)) : [keys.endpoints];
  try {
    const ranges = await Promise.all(prefixes.map((prefix) => store.range({ prefix })));
    await cluster.reached(Math.max(...ranges.map(({ revision }) => revision)));
    return ranges
      .flatMap(({ kvs }) => kvs)
      .filter(({ key }) => isOneOf(services, key.slice(keys.endpoints.length).split('/')[0]!));
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw new RpcError(
      'unavailable',
      `endpoints are read from etcd, which does not answer (${error.message}). Each host goes on answering from what it knows`,
    );
  }
}

type Found = Pick<ListedEndpoint, 'service' | 'instance' | 'endpoint'>;

function readEndpoints(
  kvs: readonly KeyValue[],
  { keys }: ApiContext,
): { readonly endpoints: readonly Found[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const endpoints = kvs.flatMap(({ key, value }): readonly Found[] => {
    try {
      const [service = '', instance = '', ...more] = key.slice(keys.endpoints.length).split('/');
      if (service === '' || instance === '' || more.length > 0)
        throw new DocumentError('unknown-key', '', 'an endpoint has the key endpoints/<service>/<instance>');
      const endpoint = decodeDocument('Endpoint', value);
      if (endpoint.host === '') throw new DocumentError('wrong-type', 'host', 'an address is wanted');
      return [{ service, instance, endpoint }];
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error;
      problems.push({ rule: error.rule, path: error.path, line: 0, column: 0, message: error.message, key });
      return [];
    }
  });
  return { endpoints, problems };
}

/** @param known services of Berth's own: others write endpoints, too */
function doubtOf(
  { service, endpoint }: Found,
  instance: ListedInstance | undefined,
  known: ReadonlySet<string>,
): string {
  if (instance === undefined) {
    if (!known.has(service)) return '';
    // So the agent publishes what register-foreign finds.
    if (endpoint.release === 0 && endpoint.hostName !== '')
      return `none of Berth’s instances: a container on ${endpoint.hostName} that says by registrator’s words that it belongs to ${service}`;
    return 'no host reports it: it is none of Berth’s instances, or it is going';
  }
  if (!instance.hostLive) return 'its host is lost';
  const why = whyNotPublished(instance.status);
  return why === '' ? '' : `about to be withdrawn: ${why}`;
}

function unpublished({ id, host, hostLive, status }: ListedInstance): UnpublishedInstance {
  const { service, slot, release } = status;
  const why = hostLive ? whyNotPublished(status) : 'its host is lost';
  const reason = why === '' ? 'it runs and nothing speaks against it: its host has not published it yet' : why;
  return { service, instance: id, host, slot, release, reason };
}

/** @returns what speaks against it, as far as its host reports it; empty: nothing */
function whyNotPublished({ phase, health, reason, progress }: InstanceStatus): string {
  const told = [reason, progress].filter((text) => text !== '').join('; ');
  const because = (what: string): string => {
    if (told.startsWith(what)) return told;
    return told === '' ? what : `${what}: ${told}`;
  };
  switch (phase) {
    case 'RUNNING':
      if (health === 'unhealthy') return because('unhealthy');
      return health === 'starting' ? because('starting: its check has not passed yet') : '';
    case 'DRAINING':
      return because('draining: out of discovery, and stopped after that');
    case 'STOPPED':
      return because('ended');
    case 'BACKOFF':
      return because('waits for its next start');
    case 'PENDING':
    case 'PULLING':
    case 'STARTING':
    case 'STOPPING':
    case 'FAILED':
    case 'PHASE_UNSPECIFIED':
      return because(phase.toLowerCase());
    default:
      return phase satisfies never;
  }
}

function isOneOf(services: ReadonlySet<string>, name: string): boolean {
  return services.size === 0 || services.has(name);
}

interface Ordered {
  readonly service: string;
  readonly instance: string;
  readonly slot?: number;
  readonly endpoint?: { readonly slot: number };
}

function inOrder(a: Ordered, b: Ordered): number {
  const slotOf = ({ slot, endpoint }: Ordered): number => slot ?? endpoint?.slot ?? 0;
  return compareText(a.service, b.service) || slotOf(a) - slotOf(b) || compareText(a.instance, b.instance);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
