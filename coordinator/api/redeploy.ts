/** Has the image's digest asked for again, and makes every instance anew if that is asked for. */
import { RpcError, type RedeployRequest, type RedeployResponse } from '../../lib/rpc/types';
import { whyNotAsked } from '../releases/pin-image';
import type { RedeployWish } from '../releases/redeploy';
import { requireKnown, type ApiContext } from './context';
import { editServiceIntent, heldByPause, requireThawed } from './intents';
import { newestRelease, nextRelease } from './releases';
import { commit, readKey, requireName, requireShort, unchanged } from './writes';

export async function redeploy(context: ApiContext, request: RedeployRequest): Promise<RedeployResponse> {
  requireKnown(context);
  requireShort(request);
  const { service, force, reason, by } = request;
  const { view } = context.cluster;
  requireName('service', service, view.services);
  requireThawed(view, service);
  const refuse = (why: string): never => {
    throw new RpcError('refused', `${service} ${why}`);
  };
  const key = context.keys.service(service);
  const kv = (await readKey(context, key)) ?? refuse('was removed at the same moment');
  const compiled = context.compile(service, kv.value);
  if (!compiled.ok) return refuse(`is refused as it is; "berth why ${service}" says where. Mend it and apply it`);
  const newest = newestRelease(view, service) ?? refuse('has no release yet: its first one asks for the digest anyway');
  const why = whyNotAsked(compiled.container);
  if (why !== '' && !force) return refuse(`has nothing to ask for: ${why}. --force makes every instance anew`);
  const edit = await editServiceIntent(context, service);
  const wish = wishAfter(edit.before.redeploy, { atMs: context.wallMs(), insteadOf: newest.number, force, reason, by });
  const { compares, writes } = edit.change({ ...edit.before, redeploy: wish });
  await commit(
    context,
    [unchanged(key, kv), nextRelease(context, service), ...compares],
    writes,
    `what is wanted of ${service}`,
  );
  return { wish, digest: newest.container.image.split('@')[1] ?? '', held: heldByPause(context, service) };
}

/** Two at one moment, by a clock that was set back, are two. */
export function wishAfter(before: RedeployWish | undefined, wish: RedeployWish): RedeployWish {
  return { ...wish, atMs: Math.max(wish.atMs, (before?.atMs ?? 0) + 1) };
}
