/** Pure: whether an operator wants a service's image asked for again. docs/decisions/0018. */
import type { Release, ServiceIntent, ServiceStatus } from '../../lib/documents/types';
import type { ReleaseInput } from './pin-image';

export type RedeployWish = NonNullable<ServiceIntent['redeploy']>;
export type RedeployAnswer = NonNullable<ServiceStatus['redeploy']>;

/** @returns the wish, until another release than the newest is cut, or the service's status answers it */
export function redeployInForce(
  { service, view }: Pick<ReleaseInput, 'service' | 'view'>,
  newest: Release,
): RedeployWish | undefined {
  const wish = view.serviceIntents.get(service)?.document.redeploy;
  if (wish === undefined || wish.insteadOf !== newest.number) return undefined;
  const answer = view.serviceStatuses.get(service)?.document?.redeploy;
  return answer?.wish === wish.atMs ? undefined : wish;
}
