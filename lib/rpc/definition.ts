import { status, type ServiceClientConstructor } from '@grpc/grpc-js';
import { schema } from '../documents/schema';
import { stubOf } from './stub';
import type { RpcErrorCode } from './types';

/** The client class of each service. */
export const CoordinatorStub = stubOf(schema, 'berth.v1.Coordinator');
export const AgentStub = stubOf(schema, 'berth.v1.Agent');

/** The methods of a service as its calls are named in the code: "ListServices" is `listServices`. */
export function methodsOf({ service }: ServiceClientConstructor): readonly (readonly [rpc: string, call: string])[] {
  return Object.entries(service).map(([rpc, { originalName = rpc }]) => [rpc, originalName]);
}

/** Documents are at most this big together in one request or answer. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

export const STATUS_OF: Readonly<Record<RpcErrorCode, status>> = {
  unavailable: status.UNAVAILABLE,
  invalid: status.INVALID_ARGUMENT,
  'not-found': status.NOT_FOUND,
  refused: status.FAILED_PRECONDITION,
  deadline: status.DEADLINE_EXCEEDED,
  internal: status.INTERNAL,
};

export function codeOf(grpcStatus: number | undefined): RpcErrorCode {
  const found = Object.entries(STATUS_OF).find(([, value]) => value === grpcStatus);
  return (found?.[0] as RpcErrorCode | undefined) ?? 'internal';
}
