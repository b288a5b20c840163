import { MAX_TXN_WRITES, type Compare, type Write } from '../../lib/etcd/store';
import { RpcError, type ApplyRequest, type ApplyResponse, type RefusedService } from '../../lib/rpc/types';
import type { Problem } from '../../lib/documents/types';
import { requireKnown, writing, type ApiContext } from './context';

/** One write and one compare each in a single transaction. */
const MAX_SERVICES = MAX_TXN_WRITES;

/** Checks every document, then writes all in one transaction, or none. */
export async function apply(context: ApiContext, request: ApplyRequest): Promise<ApplyResponse> {
  requireKnown(context);
  const { services, project } = request;
  if (services.length === 0) throw new RpcError('invalid', 'there is no service to apply');
  if (services.length > MAX_SERVICES)
    throw new RpcError('invalid', `${services.length} services at once; ${MAX_SERVICES} are the limit`);
  if (new Set(services.map(({ name }) => name)).size < services.length)
    throw new RpcError('invalid', 'a service is named twice');
  const refused = services.map((service) => refusal(context, service, project)).filter((found) => found !== undefined);
  if (refused.length > 0) return { refused, applied: [] };

  // As it is before the write: the view moves on with it.
  const present = new Map(context.cluster.view.services);
  const changed = services.filter(({ name, document }) => present.get(name)?.text !== document);
  const keyOf = (name: string): string => context.keys.service(name);
  const compares = changed.map(({ name }): Compare => ({
    key: keyOf(name),
    modRevision: present.get(name)?.modRevision ?? 0,
  }));
  const writes = changed.map(({ name, document }): Write => ({ op: 'put', key: keyOf(name), value: document }));
  if (writes.length > 0) {
    const { succeeded, revision } = await writing(() => context.store.txn({ compares, writes }));
    if (succeeded) await context.cluster.reached(revision);
    if (!succeeded)
      throw new RpcError(
        'unavailable',
        'somebody else changed one of the services at the same moment; nothing was written, apply again',
      );
  }
  const action = (name: string, document: string): string => {
    const before = present.get(name);
    return before === undefined ? 'created' : before.text === document ? 'unchanged' : 'updated';
  };
  return { refused: [], applied: services.map(({ name, document }) => ({ name, action: action(name, document) })) };
}

function refusal(
  context: ApiContext,
  { name, document }: ApplyRequest['services'][number],
  project: string,
): RefusedService | undefined {
  const compiled = context.compile(name, document);
  if (!compiled.ok) return { name, problems: compiled.problems };
  const present = context.cluster.view.services.get(name);
  const owner = present && context.compile(name, present.text);
  const ownerProject = owner?.ok === true ? owner.container.project : '';
  if (ownerProject === '' || project === '' || ownerProject === project) return undefined;
  const message = `service "${name}" belongs to the project "${ownerProject}", and this file is the project "${project}". Service names are unique in a cluster: rename it, set "name: ${ownerProject}" in the file, or remove the other one first (berth rm ${name})`;
  const problem: Problem = { rule: 'conflict', path: '', line: 0, column: 0, message, key: context.keys.service(name) };
  return { name, problems: [problem] };
}
