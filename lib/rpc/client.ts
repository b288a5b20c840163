import { credentials, type Client, type ServiceError } from '@grpc/grpc-js';
import { CoordinatorStub, MAX_MESSAGE_BYTES, codeOf } from './definition';
import { RpcError, type CoordinatorClient } from './types';

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
  const stub = new CoordinatorStub(address, credentials.createInsecure(), {
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
  return {
    apply: call('Apply'),
    remove: call('Remove'),
    listServices: call('ListServices'),
    listInstances: call('ListInstances'),
    listHosts: call('ListHosts'),
    getVersion: call('GetVersion'),
    close: () => stub.close(),
  };
}
