/** Pure: what Docker says of a container → what the planner reads. */
import type { ContainerInspectInfo } from 'dockerode';
import type { ActualContainer, ContainerState } from '../plan/types';
import { readIdentity } from './labels';

const STATES: readonly ContainerState[] = ['created', 'running', 'paused', 'restarting', 'exited', 'dead', 'removing'];
/** Docker's own, when the container says nothing. */
const DEFAULT_STOP_GRACE_S = 10;

/** Sorted for the planner: a running container first, then the newest. */
export function compareContainers(
  a: { state: ContainerState; createdMs: number },
  b: { state: ContainerState; createdMs: number },
): number {
  return Number(b.state === 'running') - Number(a.state === 'running') || b.createdMs - a.createdMs;
}

/**
 * @param wallMs now, on Docker's clock
 * @returns undefined when the labels are not ours to read: such a container is left alone
 */
export function readContainer(
  info: ContainerInspectInfo,
  wallMs: number,
): (ActualContainer & { createdMs: number }) | undefined {
  const identity = readIdentity(info.Config.Labels ?? {});
  const state = STATES.find((known) => known === info.State.Status);
  if (identity === undefined || state === undefined) return undefined;
  const startedMs = timeMs(info.State.StartedAt);
  const finishedMs = timeMs(info.State.FinishedAt);
  const isUp = state === 'running' || state === 'paused';
  const stopTimeoutS = (info.Config as { StopTimeout?: number }).StopTimeout;
  return {
    id: info.Id,
    ...identity,
    state,
    health: healthOf(info),
    stopGracePeriodMs: (stopTimeoutS ?? DEFAULT_STOP_GRACE_S) * 1000,
    ...(finishedMs > 0 && { exit: { code: info.State.ExitCode, oomKilled: info.State.OOMKilled, atMs: finishedMs } }),
    ranForMs: startedMs === 0 ? 0 : Math.max(0, (isUp ? wallMs : finishedMs) - startedMs),
    createdMs: timeMs(info.Created),
  };
}

function healthOf(info: ContainerInspectInfo): ActualContainer['health'] {
  const status = info.State.Health?.Status;
  return status === 'starting' || status === 'healthy' || status === 'unhealthy' ? status : 'none';
}

/** Docker writes year 1 for "never". */
function timeMs(text: string): number {
  const ms = Date.parse(text);
  return ms > 0 ? ms : 0;
}
