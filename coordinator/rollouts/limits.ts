/** Pure: how much a rollout may do at once, and what becomes of it when it fails. */
import type { Release, UpdateConfig } from '../../lib/documents/types';
import { atOnce } from '../compose/rollout';

export interface UpdateLimits {
  /** The old instance of a slot goes before the new one comes. */
  readonly isStopFirst: boolean;
  readonly parallelism: number;
  readonly delayMs: number;
  readonly monitorMs: number;
  readonly maxFailurePerMille: number;
  readonly failureAction: 'rollback' | 'pause' | 'continue';
}

/** Of a release that was cut before there were limits in it. */
const UNSAID: UpdateConfig = {
  ...{ order: '', parallelism: 1, delayMs: 0, monitorMs: 0, maxFailurePerMille: 0, failureAction: 'rollback' },
};

/** Of the move to a release. @param failed it is the way back from this one, which says how */
export function limitsOf(target: Release, failed?: Release): UpdateLimits {
  const said = failed === undefined ? target.deploy.updateConfig : failed.deploy.rollbackConfig;
  const { order, parallelism, delayMs, monitorMs, maxFailurePerMille, failureAction } =
    said.failureAction === '' ? UNSAID : said;
  return {
    isStopFirst: order === '' ? isExclusive(target) : order === 'stop-first',
    parallelism: atOnce(parallelism),
    ...{ delayMs, monitorMs, maxFailurePerMille },
    failureAction: failureAction === 'pause' || failureAction === 'continue' ? failureAction : 'rollback',
  };
}

/**
 * Two containers of one slot must not run at once: they would fight over a host port, or write the same files.
 * docs/decisions/0002.
 */
export function isExclusive({ container }: Release): boolean {
  const hasFixedPort = container.ports.some(({ published }) => published > 0);
  const hasFixedAddress = container.networks.some((one) =>
    [one.ipv4Address, one.ipv6Address, one.macAddress, ...one.linkLocalIps].some((address) => address !== ''),
  );
  return (
    hasFixedPort ||
    hasFixedAddress ||
    container.networkMode === 'host' ||
    container.mounts.some(({ type, source, readOnly }) => type !== 'tmpfs' && source !== '' && !readOnly)
  );
}
