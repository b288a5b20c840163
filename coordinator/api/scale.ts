/** Counts of services, changed in the texts of their documents. */
import { RpcError, type ScaledService, type ScaleRequest, type ScaleResponse } from '../../lib/rpc/types';
import type { Compare, Write } from '../../lib/etcd/store';
import { putNumber } from '../../lib/yaml/edit';
import { requireKnown, type ApiContext } from './context';
import type { ClusterView } from '../view';
import { whyHeld } from './apply';
import { authorOf, editServiceIntent } from './intents';
import { statusOf, wishInForce } from './releases';
import { commit, readKey, requireName, requireShort, unchanged } from './writes';

const PATH = ['deploy', 'replicas'];

interface Scaling {
  readonly answer: ScaledService;
  readonly compares: readonly Compare[];
  readonly writes: readonly Write[];
}

export async function scale(context: ApiContext, request: ScaleRequest): Promise<ScaleResponse> {
  requireKnown(context);
  requireShort(request);
  const { services, by } = request;
  if (services.length === 0) throw new RpcError('invalid', 'name the services to scale, as in web=3');
  if (new Set(services.map(({ service }) => service)).size < services.length)
    throw new RpcError('invalid', 'a service is named twice');
  for (const { service } of services) requireName('service', service, context.cluster.view.services);
  const scalings: Scaling[] = [];
  for (const { service, replicas } of services) scalings.push(await scaleOne(context, service, replicas, by));
  const writes = scalings.flatMap((one) => one.writes);
  const compares = scalings.flatMap((one) => one.compares);
  if (writes.length > 0) await commit(context, compares, writes, services.map(({ service }) => service).join(', '));
  return { services: scalings.map(({ answer }) => answer) };
}

async function scaleOne(context: ApiContext, service: string, replicas: number, by: string): Promise<Scaling> {
  const refuse = (why: string): never => {
    throw new RpcError('refused', `${service}: ${why}`);
  };
  const key = context.keys.service(service);
  const kv = await readKey(context, key);
  if (kv === undefined) return refuse('it was removed at the same moment');
  const compiled = context.compile(service, kv.value);
  if (!compiled.ok) return refuse('its document is refused as it is; "berth why" says where. Mend it and apply it');
  if (compiled.deploy.mode === 'global')
    return refuse('it is a global service: one runs on every host that fits. Its constraints say which');
  const before = compiled.deploy.replicas;
  const answer = { service, before, replicas, held: whyHeld(context, service) };
  if (before === replicas) return { answer, compares: [], writes: [] };
  const behind = whyBehind(context.cluster.view, service);
  if (behind !== '') return refuse(behind);
  const edited = putNumber(kv.value, PATH, replicas);
  if (!edited.ok)
    return refuse(`its document can not be edited: ${edited.problem}. Change deploy.replicas in the file and apply it`);
  const after = context.compile(service, edited.text);
  if (!after.ok) return refuse(after.problems.map(({ message }) => message).join('; '));
  const intent = await editServiceIntent(context, service);
  const authored = intent.change({ ...intent.before, author: authorOf(context, by, edited.text) });
  return {
    answer,
    compares: [unchanged(key, kv), ...authored.compares],
    writes: [{ op: 'put', key, value: edited.text }, ...authored.writes],
  };
}

/** An edited document is rolled out: whoever wants another count of what runs does not want what it was rolled back from. */
function whyBehind(view: ClusterView, service: string): string {
  const { rollout, currentRelease, move } = statusOf(view, service);
  const wish = wishInForce(view, service);
  const isWished = wish !== undefined && wish.release !== wish.insteadOf;
  if (!isWished && rollout !== 'rolled-back') return '';
  const stays = isWished ? wish.release : currentRelease;
  const document = isWished ? wish.insteadOf : (move?.failedRelease ?? 0);
  return `it runs @${stays}, and its document is that of @${document}, which it was rolled back from: another count would roll that out again. Apply a file of what is to run, with the count`;
}
