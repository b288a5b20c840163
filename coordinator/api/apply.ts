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
import { guardsOf, requireUnchangedSince, type World } from './world';

/** One write and one compare each in a single transaction. */
const MAX_SERVICES = MAX_TXN_WRITES;

/** Of these, documents and authors fit into one transaction, and the guards of a plan beside either. */
const MAX_AT_ONCE = MAX_TXN_WRITES / 2;

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
  const world = request.at === '' ? undefined : await requireUnchangedSince(context, request.at);
  const refused = refusals(context, request);
  if (refused.length > 0) return { refused, applied: [] };

  // As it is before the write: the view moves on with it.
  const present = new Map(context.cluster.view.services);
  const applied = services.map((service) => actionOf(context, service, present.get(service.name)));
  const changed = services.filter((_, index) => applied[index]!.action !== 'unchanged');
  if (changed.length > 0) await write(context, { changed, present, by: request.by, world });
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

interface Writing {
  readonly changed: readonly Given[];
  readonly present: ReadonlyMap<string, ServiceDocument>;
  readonly by: string;
  /** Of a plan: it is to be the same still. */
  readonly world: World | undefined;
}

async function write(context: ApiContext, { changed, present, by, world }: Writing): Promise<void> {
  const documents = changed.map(({ name, document }): Edit => {
    const key = context.keys.service(name);
    // Guards of all services hold it already, and there may be no room for both.
    const compares = world === undefined ? [{ key, modRevision: present.get(name)?.modRevision ?? 0 }] : [];
    return { compares, writes: [{ op: 'put', key, value: document }] };
  });
  const refreshed = changed.filter(({ name, document }) => isRefreshed(context, name, document));
  const isOne = changed.length <= MAX_AT_ONCE;
  const authors = await intentEdits(context, changed, (before, { name, document }) => ({
    ...(isOne && refreshed.some((one) => one.name === name) && { redeploy: refresh(context, name, before, by) }),
    author: authorOf(context, by, document),
  }));
  if (isOne) return void (await commitAll(context, [...documents, ...authors], world));
  // Authors first: by the text's hash they concern nobody until it is written.
  let intentsSince = world?.revision;
  for (let from = 0; from < authors.length; from += MAX_AT_ONCE)
    intentsSince = await commitAll(context, authors.slice(from, from + MAX_AT_ONCE), world, intentsSince);
  await commitAll(context, documents, world, intentsSince);
  // Those last, since nothing is to be asked for what was not written; what is lost here is asked for by another apply.
  const wishes = await intentEdits(context, refreshed, (before, { name }) => ({
    redeploy: refresh(context, name, before, by),
  }));
  if (wishes.length > 0) await commitAll(context, wishes);
}

function intentEdits(
  context: ApiContext,
  services: readonly Given[],
  change: (before: ServiceIntent, service: Given) => Partial<ServiceIntent>,
): Promise<readonly Edit[]> {
  return Promise.all(
    services.map(async (service): Promise<Edit> => {
      const edit = await editServiceIntent(context, service.name);
      return edit.change({ ...edit.before, ...change(edit.before, service) });
    }),
  );
}

function refresh(context: ApiContext, service: string, { redeploy }: ServiceIntent, by: string): RedeployWish {
  const insteadOf = newestRelease(context.cluster.view, service)!.number;
  const reason = 'applied again, with pull_policy: always';
  const force = redeploy?.insteadOf === insteadOf && redeploy.force;
  return wishAfter(redeploy, { atMs: context.wallMs(), insteadOf, force, reason, by });
}

/**
 * @param world is still as it was
 * @param intentsSince what is wanted of services has been as it is since this revision
 * @returns the revision of the write
 */
async function commitAll(
  context: ApiContext,
  edits: readonly Edit[],
  world?: World,
  intentsSince = world?.revision ?? 0,
): Promise<number> {
  const compares = edits.flatMap((edit) => edit.compares);
  const writes = edits.flatMap((edit) => edit.writes);
  const room = MAX_TXN_WRITES - compares.length;
  const guards = world === undefined ? [] : guardsOf(context.keys, world, intentsSince, room);
  const { succeeded, revision } = await writing(() => context.store.txn({ compares, writes, guards }));
  if (!succeeded)
    throw world === undefined
      ? new RpcError(
          'unavailable',
          'somebody else changed one of the services at the same moment; nothing was written, apply again',
        )
      : new RpcError(
          'refused',
          'the cluster changed at the same moment: a service, config, a host or what is wanted of them. Nothing was written; plan again',
        );
  await context.cluster.reached(revision);
  return revision;
}
