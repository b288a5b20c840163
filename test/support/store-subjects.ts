import { systemClock } from '../../lib/clock';
import { connectEtcd } from '../../lib/etcd/etcd3-store';
import { createMemoryStore } from '../../lib/etcd/memory-store';
import { StoreError } from '../../lib/etcd/store';
import type { Store, StoreErrorCode } from '../../lib/etcd/store';
import { startEtcd } from './etcd-server';

/** A store under the contract suite. */
export interface Subject {
  /** A client of the one store that all tests of a suite share. */
  connect(): Store;
  compact(revision: number): Promise<void>;
  stop(): Promise<void>;
}

async function startReal(): Promise<Subject> {
  const etcd = await startEtcd();
  return {
    connect: () => connectEtcd({ endpoints: [etcd.endpoint] }),
    compact: async (revision) => void (await etcd.ctl(['compact', String(revision)])),
    stop: () => etcd.stop(),
  };
}

async function startMemory(): Promise<Subject> {
  const store = createMemoryStore(systemClock);
  return {
    connect: () => store.connect(),
    compact: async (revision) => store.faults.compact(revision),
    stop: async () => store.close(),
  };
}

/** Every implementation of the Store port, by name. */
export const SUBJECTS: readonly (readonly [string, () => Promise<Subject>])[] = [
  ['memory-store', startMemory],
  ['etcd3-store', startReal],
];

export async function expectFailure(promise: Promise<unknown>, code: StoreErrorCode): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(StoreError);
  expect((error as StoreError).code).toBe(code);
}
