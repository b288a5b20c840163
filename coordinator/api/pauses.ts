import { encodeDocument } from '../../lib/documents/codec';
import { nearestName } from '../../lib/nearest';
import { MAX_PAUSE_MS, MIN_PAUSE_MS } from '../../lib/pauses';
import {
  RpcError,
  type ListPausesResponse,
  type PauseRequest,
  type PauseResponse,
  type ResumeRequest,
  type ResumeResponse,
} from '../../lib/rpc/types';
import { placementsOf, type ClusterView } from '../view';
import { requireKnown, writing, type ApiContext } from './context';
import { requireShort } from './writes';

const KINDS = ['host', 'service', 'instance'] as const;
type Kind = (typeof KINDS)[number];

/** They go into the assignments of the hosts that they concern. */
const MAX_PAUSES = 1000;

export async function pause(context: ApiContext, request: PauseRequest): Promise<PauseResponse> {
  requireKnown(context);
  const { name, forMs, reason, by } = request;
  if (!(forMs >= MIN_PAUSE_MS && forMs <= MAX_PAUSE_MS))
    throw new RpcError('invalid', 'a pause lasts a second at least and 30 days at most; it can be made longer later');
  requireShort(request);
  const { view } = context.cluster;
  const kind = theKind(request, namesIn(view), 'there is no');
  const key = context.keys.pause(kind, name);
  if (!view.pauses.has(key) && view.pauses.size >= MAX_PAUSES)
    throw new RpcError('invalid', `${MAX_PAUSES} pauses are the limit; "berth pauses" lists them`);
  const document = { kind, name, untilMs: context.wallMs() + forMs, reason, by };
  await replace(context, key, encodeDocument('Pause', document));
  return { pause: document };
}

export async function resume(context: ApiContext, request: ResumeRequest): Promise<ResumeResponse> {
  requireKnown(context);
  const { keys, cluster } = context;
  const paused = new Map(KINDS.map((kind) => [kind, new Set<string>()]));
  for (const key of cluster.view.pauses.keys()) {
    const [kind, name = ''] = key.slice(keys.pauses.length).split('/');
    paused.get(kind as Kind)?.add(name);
  }
  const kind = theKind(request, paused, 'there is no pause of a');
  await replace(context, keys.pause(kind, request.name), undefined);
  return { kind };
}

export function listPauses(context: ApiContext): ListPausesResponse {
  requireKnown(context);
  const { cluster, keys } = context;
  const problems = cluster.view.problems.filter(({ key }) => key.startsWith(keys.pauses));
  return { pauses: cluster.pauses(), problems, freshness: cluster.freshness() };
}

function namesIn(view: ClusterView): ReadonlyMap<Kind, ReadonlySet<string>> {
  const hosts = [...view.hosts.values()];
  const instances = hosts.flatMap((host) => [
    ...placementsOf(host).map(({ id }) => id),
    ...Object.keys(host.status?.instances ?? {}),
  ]);
  return new Map([
    ['host', new Set(view.hosts.keys())],
    ['service', new Set([...view.services.keys(), ...view.releases.keys()])],
    ['instance', new Set(instances)],
  ]);
}

/** @throws RpcError when nothing has the name, or, without a kind, more than one */
function theKind(
  { kind, name }: { readonly kind: string; readonly name: string },
  known: ReadonlyMap<Kind, ReadonlySet<string>>,
  none: string,
): Kind {
  if (kind !== '' && !known.has(kind as Kind))
    throw new RpcError('invalid', `"${kind}" is no kind of thing; there are ${KINDS.join(', ')}`);
  const asked = KINDS.filter((one) => kind === '' || kind === one);
  const found = asked.filter((one) => known.get(one)!.has(name));
  const [only, ...more] = found;
  if (more.length > 0) {
    const kinds = found.map((one) => `--kind ${one}`).join(' or ');
    throw new RpcError('invalid', `"${name}" is a ${found.join(' and a ')}: say which, with ${kinds}`);
  }
  if (only !== undefined) return only;
  const nearest = nearestName(name, new Set(asked.flatMap((one) => [...known.get(one)!])));
  const hint = nearest === undefined ? '' : ` (did you mean "${nearest}"?)`;
  throw new RpcError('not-found', `${none} ${asked.join(', ').replace(/, (?=\w+$)/, ' or ')} "${name}"${hint}`);
}

/** @param value undefined: delete */
async function replace({ store, cluster }: ApiContext, key: string, value: string | undefined): Promise<void> {
  const modRevision = cluster.view.pauses.get(key)?.modRevision ?? 0;
  const write = value === undefined ? ({ op: 'delete', key } as const) : ({ op: 'put', key, value } as const);
  const { succeeded, revision } = await writing(() => store.txn({ compares: [{ key, modRevision }], writes: [write] }));
  if (!succeeded) throw new RpcError('unavailable', 'somebody else paused or resumed it at the same moment; try again');
  await cluster.reached(revision);
}
