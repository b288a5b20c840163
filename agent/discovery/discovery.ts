/**
 * What DNS, templates and `berth dns` know of the cluster's services: of those alone that something on this host has asked
 * for. Known ones are answered from memory.
 */
import type { Endpoint } from '../../lib/documents/types';

export interface KnownEndpoint extends Endpoint {
  readonly instance: string;
  /**
   * Etcd does not vouch for it any more: it vanished with most of its service, or etcd has not been heard for longer than a
   * host's lease. It is here since it accepted a TCP connection just now.
   */
  readonly isStale: boolean;
}

export interface KnownService {
  readonly name: string;
  /** Sorted by instance. */
  readonly endpoints: readonly KnownEndpoint[];
  /** False: no such service in the cluster. One whose instances are all unhealthy exists. */
  readonly exists: boolean;
  /** Etcd has said so to this agent. False: it is what the agent before it knew, some seconds before its end. */
  readonly isHeard: boolean;
  /** Another object whenever something of it changes: what was made from it can be kept by it. */
}

/** Etcd has not answered yet, and nothing is known of what was asked: not that it is not there. */
export class UnknownYet extends Error {
  constructor(readonly what: string) {
    super(`etcd has not said yet whether there is ${what}`);
    this.name = 'UnknownYet';
  }
}

export interface Discovery {
  /**
   * The same object as before as long as nothing of it has changed.
   * @param mayWait true unless given; false: etcd is asked for nobody's sake, and what would have to be asked is unknown yet
   * @returns at once what is known. Of what is not, a promise that settles within ASK_MS
   * @throws UnknownYet, also as a rejection
   */
  service(name: string, mayWait?: boolean): KnownService | Promise<KnownService>;
  /** @param mayWait as above. @returns a host's address; undefined when there is none of the name. @throws UnknownYet, also as a rejection */
  hostAddress(name: string, mayWait?: boolean): string | undefined | Promise<string | undefined>;
  /** Name of the host that has this address, as far as is known here. */
  hostAt(address: string): string | undefined;
  /**
   * Follows a service until the returned function is called (once; again is nothing), and wakes who asked whenever
   * service(name) may answer otherwise, also when it is known for the first time. It wakes and does not inform: changes may
   * be told together or needlessly, never from within this call, and what holds now is asked by service().
   */
  subscribe(service: string, onChange: () => void): () => void;
}

/** Who asks waits so long for etcd at most. */
export const ASK_MS = 2000;
/** Services about which etcd is asked for the first time at once; of more, UnknownYet is thrown. */
export const MAX_FIRST_QUESTIONS = 512;
