import * as grpc from '@grpc/grpc-js';
import * as etcd3 from 'etcd3';
import { StoreError } from './store';
import type { StoreErrorCode } from './store';

/** What etcd 3.4 and 3.5 say for errors that share a gRPC code with others (server: etcdserver/api/v3rpc/rpctypes). */
const BY_TEXT: readonly (readonly [string, StoreErrorCode])[] = [
  ['required revision has been compacted', 'compacted'],
  ['requested lease not found', 'lease-gone'],
  ['database space exceeded', 'no-space'],
  ['request is too large', 'too-large'],
  ['too many operations in txn', 'too-large'],
  ['message larger than max', 'too-large'],
  ['permission denied', 'denied'],
  ['authentication', 'denied'],
  ['invalid auth token', 'denied'],
  ['user name is empty', 'denied'],
  ['not leader', 'unavailable'],
  ['no leader', 'unavailable'],
];

const BY_CODE: ReadonlyMap<number, StoreErrorCode> = new Map([
  // What these leave open is whether the write happened.
  [grpc.status.CANCELLED, 'unavailable'],
  [grpc.status.UNKNOWN, 'unavailable'],
  [grpc.status.DEADLINE_EXCEEDED, 'unavailable'],
  [grpc.status.RESOURCE_EXHAUSTED, 'unavailable'],
  [grpc.status.ABORTED, 'unavailable'],
  [grpc.status.INTERNAL, 'unavailable'],
  [grpc.status.UNAVAILABLE, 'unavailable'],
  [grpc.status.DATA_LOSS, 'unavailable'],
  [grpc.status.PERMISSION_DENIED, 'denied'],
  [grpc.status.UNAUTHENTICATED, 'denied'],
]);

/** etcd3 replaces gRPC's errors with classes of its own, which have lost the code. */
const BY_CLASS: readonly (readonly [new (...args: never[]) => Error, StoreErrorCode])[] = [
  [etcd3.EtcdLeaseInvalidError, 'lease-gone'],
  [etcd3.EtcdPermissionDeniedError, 'denied'],
  [etcd3.EtcdInvalidAuthTokenError, 'denied'],
  [etcd3.EtcdAuthenticationFailedError, 'denied'],
  [etcd3.GRPCUnauthenticatedError, 'denied'],
  [etcd3.GRPCInvalidArgumentError, 'other'],
  [etcd3.GRPCNotFoundError, 'other'],
  [etcd3.GRPCAlreadyExistsError, 'other'],
  [etcd3.GRPCFailedPreconditionError, 'other'],
  [etcd3.GRPCOutOfRangeError, 'other'],
  [etcd3.GRPCNotImplementedError, 'other'],
  [etcd3.ClientClosedError, 'unavailable'],
  [etcd3.GRPCGenericError, 'unavailable'],
];

/**
 * Says what an error of etcd3 or gRPC means to a caller. What is not known counts as `other`, which no
 * one retries blindly; what leaves open whether a write happened counts as `unavailable`.
 */
export function storeErrorOf(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new StoreError(codeOf(error, message), message);
}

function codeOf(error: unknown, message: string): StoreErrorCode {
  const byText = BY_TEXT.find(([text]) => message.includes(text));
  if (byText !== undefined) return byText[1];
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'number') return BY_CODE.get(code) ?? 'other';
  if (typeof code === 'string') return 'unavailable'; // an errno of a socket or of a name that does not resolve
  return BY_CLASS.find(([type]) => error instanceof type)?.[1] ?? 'other';
}
