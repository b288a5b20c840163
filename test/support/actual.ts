/** What Docker says that a host has, in few words. */
import { DEFAULT_PIDS_LIMIT } from '../../agent/plan/limits';
import { NOTHING_TO_LEAVE, type Actual, type ActualContainer, type Capacity } from '../../agent/plan/types';
import type { LastExit } from '../../lib/documents/types';

export const CAPACITY: Capacity = { nanoCpus: 4e9, memoryBytes: 8e9 };

/** Of the instance "web-1" of web@1; runs, and has run for no time. */
export function containerOf(change: Partial<ActualContainer> = {}): ActualContainer {
  return {
    ...{ id: 'c1', instance: 'web-1', service: 'web', slot: 1, release: 1, spec: '' },
    ...{ state: 'running', health: 'none', healthReason: '', ports: [], address: '172.17.0.2' },
    ...{ stopGracePeriodMs: 0, leave: NOTHING_TO_LEAVE, startedAtMs: 1, ranForMs: 0 },
    previousExitMs: 0,
    limits: { nanoCpus: 0, memoryBytes: 0, pids: DEFAULT_PIDS_LIMIT, memoryReservationBytes: 0 },
    ...change,
  };
}

export function exitOf(code: number, change: Partial<LastExit> = {}): LastExit {
  return { code, oomKilled: false, atMs: 1, signal: '', log: [], ...change };
}

/** Containers of several instances, each in the order given. */
export function actualOf(containers: readonly ActualContainer[], images: readonly string[] = []): Actual {
  const byInstance = new Map<string, ActualContainer[]>();
  for (const container of containers)
    byInstance.set(container.instance, [...(byInstance.get(container.instance) ?? []), container]);
  return { containers: byInstance, images: new Set(images), capacity: CAPACITY };
}
