import type { ServiceIntent } from '../../lib/documents/types';
import { MAX_TXN_WRITES, type Compare, type Write } from '../../lib/etcd/store';
import { RpcError, type AppliedService, type ApplyRequest, type ApplyResponse } from '../../lib/rpc/types';
import { whyNotAsked } from '../releases/pin-image';
import type { RedeployWish } from '../releases/redeploy';
import type { ServiceDocument } from '../view';
import { requireKnown, writing, type ApiContext } from './context';
import { authorOf, editServiceIntent, heldByFreeze, heldByPause } from './intents';
import { wishAfter } from './redeploy';
import { refusals } from './refusals';
import { newestRelease, statusOf, wishInForce } from './releases';
import { requireShort } from './writes';
import { requireUnchangedSince } from './world';

/** One write and one compare each in a single transaction. */
const MAX_SERVICES = MAX_TXN_WRITES;

type Given = ApplyRequest['services'][number];

interface Edit {
  readonly compares: readonly Compare[];
  readonly writes: readonly Write[];
}

/** Checks every document, then writes all in one transaction, or none. */
export async function apply(context: ApiContext, request: ApplyRequest): Promise<ApplyResponse> {
  requireKnown(context);
  requireShort(request);
  const { services } = request;
  requireServices(services);
  if (request.at !== '') await requireUnchangedSince(context, request.at);
  const refused = refusals(context, request);
  if (refused.length > 0) return { refused, applied: [] };

  // As it is before the write: the view moves on with it.
  const present = new Map(context.cluster.view.services);
  const applied = services.map((service) => actionOf(context, service, present.get(service.name)));
  const changed = services.filter((_, index) => applied[index]!.action !== 'unchanged');
  if (changed.length > 0) await write(context, changed, present, request.by);
  return { refused: [], applied };
}

/** @throws RpcError 'invalid' */
export function requireServices(services: readonly Given[]): void {
  if (services.length === 0) throw new RpcError('invalid', 'there is no service to apply');
  if (services.length > MAX_SERVICES)
    throw new RpcError('invalid', `${services.length} services at once; ${MAX_SERVICES} are the limit`);
  if (new Set(services.map(({ name }) => name)).size < services.length)
    throw new RpcError('invalid', 'a service is named twice');
}

export function actionOf(
  context: ApiContext,
  { name, document }: Given,
  before: ServiceDocument | undefined,
): AppliedService {
  const { view } = context.cluster;
  const held = whyHeld(context, name);
  if (before === undefined) return { name, action: 'created', held };
  if (before.text !== document) return { name, action: 'updated', held };
  const { move, serviceRevision } = statusOf(view, name);
  const hasFailed = move?.phase === 'rolled-back' || move?.phase === 'stopped';
  if (hasFailed && serviceRevision === before.modRevision) return { name, action: 'retried', held };
  const action = isRefreshed(context, name, document) ? 'refreshed' : 'unchanged';
  return { name, action, held: held || whyElsewhere(context, name) };
}

/** Whoever writes `pull_policy: always` wants what the tag means at each apply. docs/decisions/0018. */
function isRefreshed(context: ApiContext, name: string, document: string): boolean {
  const compiled = context.compile(name, document);
  if (!compiled.ok || compiled.container.pullPolicy !== 'always') return false;
  return whyNotAsked(compiled.container) === '' && newestRelease(context.cluster.view, name) !== undefined;
}

/** @returns why nothing of a service changes for now, for people; empty when it may */
export function whyHeld(context: ApiContext, service: string): string {
  return heldByFreeze(context.cluster.view, service) || heldByPause(context, service);
}

/** The document is as it was, and something else runs, since an operator wants it so. */
function whyElsewhere({ cluster: { view } }: ApiContext, service: string): string {
  const wish = wishInForce(view, service);
  if (wish === undefined || wish.release === wish.insteadOf) return '';
  const who = wish.by === '' ? 'somebody' : wish.by;
  return `${service}: stays at @${wish.release}, where ${who} had it rolled back to; "berth rollback ${service} --to ${wish.insteadOf}" goes forward again`;
}

async function write(
  context: ApiContext,
  changed: readonly Given[],
  present: ReadonlyMap<string, ServiceDocument>,
  by: string,
): Promise<void> {
  const documents = changed.map(({ name, document }): Edit => {
    const key = context.keys.service(name);
    const compares = [{ key, modRevision: present.get(name)?.modRevision ?? 0 }];
    return { compares, writes: [{ op: 'put', key, value: document }] };
  });
  const authors = await Promise.all(
    changed.map(async ({ name, document }): Promise<Edit> => {
      const { before, change } = await editServiceIntent(context, name);
      const refreshed = isRefreshed(context, name, document) && { redeploy: refresh(context, name, before, by) };
      return change({ ...before, ...refreshed, author: authorOf(context, by, document) });
    }),
  );
  if (documents.length + authors.length <= MAX_TXN_WRITES) return commitAll(context, [...documents, ...authors]);
  // Authors first: by the text's hash they concern nobody until it is written.
  await commitAll(context, authors);
  await commitAll(context, documents);
}

function refresh(context: ApiContext, service: string, { redeploy }: ServiceIntent, by: string): RedeployWish {
  const insteadOf = newestRelease(context.cluster.view, service)!.number;
  const reason = 'applied again, with pull_policy: always';
  const force = redeploy?.insteadOf === insteadOf && redeploy.force;
  return wishAfter(redeploy, { atMs: context.wallMs(), insteadOf, force, reason, by });
}

async function commitAll(context: ApiContext, edits: readonly Edit[]): Promise<void> {
  const compares = edits.flatMap((edit) => edit.compares);
  const writes = edits.flatMap((edit) => edit.writes);
  const { succeeded, revision } = await writing(() => context.store.txn({ compares, writes }));
  if (!succeeded)
    throw new RpcError(
      'unavailable',
      'somebody else changed one of the services at the same moment; nothing was written, apply again',
    );
  await context.cluster.reached(revision);
}
