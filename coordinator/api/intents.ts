/** The documents that say what operators want apart from services themselves: of a service, and of the cluster. */
import { decodeDocument, DocumentError, emptyDocument, encodeDocument } from '../../lib/documents/codec';
import type { Author, ClusterIntent, DocumentTypes, Freeze, ServiceIntent } from '../../lib/documents/types';
import type { Compare, Write } from '../../lib/etcd/store';
import { isoTime } from '../../lib/iso-time';
import { textHash } from '../../lib/release/text-hash';
import { RpcError } from '../../lib/rpc/types';
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

export interface Frozen {
  /** The service's own freeze, or the cluster's. */
  readonly isCluster: boolean;
  readonly freeze: Freeze;
}

export function frozen(view: ClusterView, service: string): Frozen | undefined {
  const own = view.serviceIntents.get(service)?.document.freeze;
  if (own !== undefined) return { isCluster: false, freeze: own };
  const { freeze } = view.clusterIntent.document;
  return freeze && { isCluster: true, freeze };
}

/** @returns 'web is frozen by ann@ops since 2026-…: black friday; "berth unfreeze web" ends it' */
export function describeFrozen(service: string, { isCluster, freeze }: Frozen): string {
  const { by, atMs, reason } = freeze;
  const who = `${by === '' ? '' : ` by ${by}`}${atMs > 0 ? ` since ${isoTime(atMs)}` : ''}`;
  const end = isCluster ? 'berth unfreeze' : `berth unfreeze ${service}`;
  return `${isCluster ? 'the cluster' : service} is frozen${who}${reason === '' ? '' : `: ${reason}`}; "${end}" ends it`;
}

/** @throws RpcError 'refused' with who froze it, and why */
export function requireThawed(view: ClusterView, service: string): void {
  const found = frozen(view, service);
  if (found !== undefined) throw new RpcError('refused', describeFrozen(service, found));
}
