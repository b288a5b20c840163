import { loadPackageDefinition, status, type GrpcObject, type ServiceClientConstructor } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import berthProto from '../../proto/generated/berth.json';
import type { RpcErrorCode } from './types';

// The same options as the types are generated with (package.json, "generate").
const definition = fromJSON(berthProto as Parameters<typeof fromJSON>[0], {
  longs: Number,
  enums: String,
  defaults: true,
});
const loaded = loadPackageDefinition(definition) as unknown as { berth: { v1: GrpcObject } };

/** The client class of each service. */
export const CoordinatorStub = loaded.berth.v1['Coordinator'] as ServiceClientConstructor;
export const AgentStub = loaded.berth.v1['Agent'] as ServiceClientConstructor;

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
