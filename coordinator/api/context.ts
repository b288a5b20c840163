import type { Keys } from '../../lib/documents/keys';
import { StoreError, type Store } from '../../lib/etcd/store';
import { RpcError } from '../../lib/rpc/types';
import type { Cluster } from '../cluster';
import type { CompiledService } from '../schedule/types';

/** What the RPCs work with. */
export interface ApiContext {
  readonly store: Store;
  readonly keys: Keys;
  readonly cluster: Cluster;
  readonly compile: (service: string, text: string) => CompiledService;
  readonly isLeader: () => boolean;
  /** Milliseconds since the Unix epoch. */
  readonly wallMs: () => number;
}

/** @throws RpcError 'unavailable' before etcd was read for the first time */
export function requireKnown({ cluster }: ApiContext): void {
  if (!cluster.isKnown)
    throw new RpcError(
      'unavailable',
      'the coordinator could not read etcd yet: it can not be reached, or has no quorum',
    );
}

/** Runs a write to etcd, and says so when etcd is away. */
export async function writing<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    if (error.code === 'too-large')
      throw new RpcError(
        'invalid',
        `together this is more than etcd takes in one transaction (${error.message}); nothing was written. Apply fewer services at a time`,
      );
    const code = error.temporary ? 'unavailable' : 'internal';
    throw new RpcError(
      code,
      `etcd did not take the change (${error.message}); it may or may not be written. Ask again to be sure`,
    );
  }
}
