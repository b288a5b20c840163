import { Server, ServerCredentials, type handleUnaryCall, type ServiceClientConstructor } from '@grpc/grpc-js';
import { AgentStub, CoordinatorStub, MAX_MESSAGE_BYTES, STATUS_OF, methodsOf } from './definition';
import { RpcError, type AgentCalls, type CoordinatorCalls } from './types';

export interface RpcServer {
  /** "host:port" with the real port where 0 was asked for; "unix:/path". */
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
export function serveCoordinator(listen: string, calls: CoordinatorCalls): Promise<RpcServer> {
  return serve(CoordinatorStub, listen, calls);
}

/**
 * Serves the agent's RPCs.
 * @param socket path of the unix socket; nothing may be there yet
 * @throws Error when it can't be made
 */
export function serveAgent(socket: string, calls: AgentCalls): Promise<RpcServer> {
  return serve(AgentStub, `unix:${socket}`, calls);
}

async function serve<C extends object>(Stub: ServiceClientConstructor, listen: string, calls: C): Promise<RpcServer> {
  const server = new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc.so_reuseport': 0,
  });
  const byName = calls as Readonly<Record<string, (request: never) => Promise<unknown>>>;
  server.addService(
    Stub.service,
    Object.fromEntries(methodsOf(Stub).map(([rpc, name]) => [rpc, answer((request) => byName[name]!(request))])),
  );
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
