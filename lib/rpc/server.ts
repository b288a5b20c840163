import { Server, ServerCredentials, type handleUnaryCall } from '@grpc/grpc-js';
import { MAX_MESSAGE_BYTES, STATUS_OF, coordinatorService } from './definition';
import { RpcError, type CoordinatorCalls } from './types';

export interface RpcServer {
  /** "host:port" with the real port where 0 was asked for. */
  readonly address: string;
  /** Lets running calls end for a moment, then cuts them off. */
  close(): Promise<void>;
}

const CLOSE_GRACE_MS = 1000;

/**
 * Serves the coordinator's RPCs.
 * @param listen "host:port"; port 0 picks a free one
 * @throws Error when the address can't be listened on
 */
export async function serveCoordinator(listen: string, calls: CoordinatorCalls): Promise<RpcServer> {
  const server = new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc.so_reuseport': 0,
  });
  server.addService(coordinatorService, {
    Apply: answer((request: never) => calls.apply(request)),
    Remove: answer((request: never) => calls.remove(request)),
    ListServices: answer((request: never) => calls.listServices(request)),
    ListInstances: answer((request: never) => calls.listInstances(request)),
    ListHosts: answer((request: never) => calls.listHosts(request)),
    GetVersion: answer((request: never) => calls.getVersion(request)),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(listen, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { address: listen.replace(/:\d+$/, `:${port}`), close: () => closeServer(server) };
}

function answer<Request, Response>(call: (request: never) => Promise<Response>): handleUnaryCall<Request, Response> {
  return ({ request }, reply) => {
    call(request as never).then(
      (response) => reply(null, response),
      (error: unknown) => {
        const code = error instanceof RpcError ? error.code : 'internal';
        reply({ code: STATUS_OF[code], details: error instanceof Error ? error.message : String(error) });
      },
    );
  };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cutOff = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, CLOSE_GRACE_MS);
    server.tryShutdown(() => {
      clearTimeout(cutOff);
      resolve();
    });
  });
}
