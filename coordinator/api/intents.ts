/** The documents that say what operators want apart from services themselves: of a service, and of the cluster. */
import { decodeDocument, DocumentError, emptyDocument, encodeDocument } from '../../lib/documents/codec';
import type { Author, ClusterIntent, DocumentTypes, ServiceIntent } from '../../lib/documents/types';
import type { Compare, Write } from '../../lib/etcd/store';
import { isoTime } from '../../lib/iso-time';
import { textHash } from '../../lib/release/text-hash';
import { RpcError } from '../../lib/rpc/types';
import { whyFrozen } from '../rollouts/freeze';
import { indexPauses } from '../schedule/pauses';
import type { ClusterView } from '../view';
import type { ApiContext } from './context';
import { readKey, unchanged } from './writes';

/** One document as it was read, and how to write another over it. */
export interface IntentEdit<T> {
  readonly before: T;
  readonly change: (after: T) => { readonly compares: readonly Compare[]; readonly writes: readonly Write[] };
}

type IntentName = 'ServiceIntent' | 'ClusterIntent';

export function editServiceIntent(context: ApiContext, service: string): Promise<IntentEdit<ServiceIntent>> {
  const lastGood = context.cluster.view.serviceIntents.get(service)?.document;
  return edit(context, 'ServiceIntent', context.keys.serviceIntent(service), lastGood);
}

export function editClusterIntent(context: ApiContext): Promise<IntentEdit<ClusterIntent>> {
  return edit(context, 'ClusterIntent', context.keys.clusterIntent, context.cluster.view.clusterIntent.document);
}

/** @param lastGood counts when what is there can't be read: it is in force */
async function edit<N extends IntentName>(
  context: ApiContext,
  name: N,
  key: string,
  lastGood: DocumentTypes[N] | undefined,
): Promise<IntentEdit<DocumentTypes[N]>> {
  const kv = await readKey(context, key);
  const none = emptyDocument(name);
  const before = kv === undefined ? none : (readable(name, kv.value) ?? lastGood ?? none);
  const empty = encodeDocument(name, none);
  return {
    before,
    change: (after) => {
      const value = encodeDocument(name, after);
      if (kv?.value === value || (kv === undefined && value === empty)) return { compares: [], writes: [] };
      const write: Write = value === empty ? { op: 'delete', key } : { op: 'put', key, value };
      return { compares: [unchanged(key, kv)], writes: [write] };
    },
  };
}

function readable<N extends IntentName>(name: N, text: string): DocumentTypes[N] | undefined {
  try {
    return decodeDocument(name, text);
  } catch (error) {
    if (error instanceof DocumentError) return undefined;
    throw error;
  }
}

export function authorOf(context: ApiContext, by: string, text: string): Author {
  return { by, atMs: context.wallMs(), textHash: textHash(text) };
}

/** @throws RpcError 'refused' with who froze it, and why */
export function requireThawed(view: ClusterView, service: string): void {
  const why = heldByFreeze(view, service);
  if (why !== '') throw new RpcError('refused', why);
}

/** @returns 'web: frozen by ann@ops: black friday; "berth unfreeze web" ends it'; empty when it is not */
export function heldByFreeze(view: ClusterView, service: string): string {
  const why = whyFrozen(view, service);
  return why === '' ? '' : `${service}: ${why}`;
}

/** @returns 'web: paused until 2027-01-15T08:00:00Z; "berth resume web" ends it'; empty when it is not */
export function heldByPause({ cluster }: ApiContext, service: string): string {
  const pause = indexPauses(cluster.pauses()).service.get(service);
  if (pause === undefined) return '';
  return `${service}: paused until ${isoTime(pause.untilMs)}; "berth resume ${service}" ends it`;
}
