import { credentials, status, type Client, type ServiceError } from '@grpc/grpc-js';
import { Root, type INamespace } from 'protobufjs';
import healthProto from '../../proto/generated/health.json';
import { stubOf } from './stub';

/** The client class of grpc.health.v1.Health, and its service for servers. */
export const HealthStub = stubOf(Root.fromJSON(healthProto as INamespace), 'grpc.health.v1.Health');

type Check = (
  this: unknown,
  request: { service: string },
  done: (error: ServiceError | null, answer?: { status: string }) => void,
) => { cancel(): void };

/** Every call has a channel of its own: a kept one would hide that nobody can connect, and backs off by itself. */
const CHANNEL_OPTIONS = {
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_http_proxy': 0,
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
};

/**
 * Asks a gRPC server for its health, by grpc.health.v1.Health/Check, without TLS.
 * @param address "host:port", the host an IP address
 * @param service empty for the server as a whole
 * @returns "SERVING", or what else came, for people. Settles when the signal aborts; never rejects
 */
export function checkHealth(address: string, service: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    const scheme = address.startsWith('[') ? 'ipv6' : 'ipv4';
    const stub = new HealthStub(`${scheme}:${address}`, credentials.createInsecure(), CHANNEL_OPTIONS);
    const { Check: check } = stub as Client & Record<string, Check>;
    const call = check!.call(stub, { service }, (error, answer) => {
      resolve(error === null ? judge(answer?.status ?? 'UNKNOWN') : whyNot(error, service));
      stub.close();
    });
    signal.addEventListener('abort', () => call.cancel(), { once: true });
  });
}

function judge(answer: string): string {
  return answer === 'SERVING' ? answer : `${answer}, SERVING is wanted`;
}

function whyNot({ code, details }: ServiceError, service: string): string {
  if (code === status.NOT_FOUND) return `the server does not know the service "${service}"`;
  if (code === status.UNIMPLEMENTED) return 'the server has no grpc.health.v1.Health';
  if (code !== status.UNAVAILABLE) return `${status[code]}: ${details}`;
  return details.includes('ECONNREFUSED') ? 'connection refused' : details;
}
