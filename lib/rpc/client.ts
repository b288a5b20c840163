import { credentials, type Client, type ServiceClientConstructor, type ServiceError } from '@grpc/grpc-js';
import { AgentStub, CoordinatorStub, MAX_MESSAGE_BYTES, codeOf, methodsOf } from './definition';
import { RpcError, type AgentClient, type CoordinatorClient } from './types';

/** Someone who waits for a coordinator to come back wants to know it soon. */
const MAX_RECONNECT_BACKOFF_MS = 2000;
/** Every call is over by then. */
export const CALL_DEADLINE_MS = 10_000;

type Unary = (
  request: unknown,
  options: { deadline: Date },
  done: (error: ServiceError | null, answer: unknown) => void,
) => void;

/** @param address "host:port"; nothing is connected before the first call. Calls throw RpcError. */
export function connectCoordinator(address: string, deadlineMs: number = CALL_DEADLINE_MS): CoordinatorClient {
  return connect<CoordinatorClient>(CoordinatorStub, address, deadlineMs);
}

/** @param socket path of an agent's unix socket */
export function connectAgent(socket: string, deadlineMs: number = CALL_DEADLINE_MS): AgentClient {
  return connect<AgentClient>(AgentStub, `unix:${socket}`, deadlineMs);
}

/** @typeParam C the service's calls, as its definition has them, and `close` */
function connect<C>(Stub: ServiceClientConstructor, target: string, deadlineMs: number): C {
  const stub = new Stub(target, credentials.createInsecure(), {
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    // A proxy from the environment is for the outside world, not for the cluster's own ports.
    'grpc.enable_http_proxy': 0,
    'grpc.max_reconnect_backoff_ms': MAX_RECONNECT_BACKOFF_MS,
  }) as Client & Record<string, Unary>;
  const call =
    (method: string) =>
    (request: unknown): Promise<never> =>
      new Promise((resolve, reject) => {
        stub[method]!.call(stub, request, { deadline: new Date(Date.now() + deadlineMs) }, (error, answer) => {
          if (error) reject(new RpcError(codeOf(error.code), error.details || error.message));
          else resolve(answer as never);
        });
      });
  const calls = methodsOf(Stub).map(([rpc, name]) => [name, call(rpc)] as const);
  return { ...Object.fromEntries(calls), close: () => stub.close() } as C;
}
