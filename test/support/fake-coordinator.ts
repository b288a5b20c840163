/** A coordinator that gives the answers it is told to, and the program `berth` asking it, in this process. */
import { stripVTControlCharacters } from 'node:util';
import { run } from '../../cli/program';
import { emptyDocument } from '../../lib/documents/codec';
import type { HostRecord, InstanceStatus, ServiceStatus } from '../../lib/documents/types';
import { CoordinatorStub, methodsOf } from '../../lib/rpc/definition';
import { serveCoordinator } from '../../lib/rpc/server';
import {
  RpcError,
  type CoordinatorCalls,
  type ListedHost,
  type ListedInstance,
  type ListedService,
} from '../../lib/rpc/types';
import type { CommandResult } from './cluster';

export const FRESH = { etcdConnected: true, ageMs: 0, revision: 1 };

/** Calls without an answer fail. */
export function answering(calls: Partial<CoordinatorCalls>): CoordinatorCalls {
  const silent = methodsOf(CoordinatorStub).map(([, name]) => {
    return [name, () => Promise.reject(new RpcError('internal', `nobody said what ${name} answers`))] as const;
  });
  return { ...(Object.fromEntries(silent) as unknown as CoordinatorCalls), ...calls };
}

/** Runs a command against it; what it prints is without colours. */
export async function berth(calls: Partial<CoordinatorCalls>, ...args: readonly string[]): Promise<CommandResult> {
  const server = await serveCoordinator('127.0.0.1:0', answering(calls));
  const out = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  const err = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  const text = ({ mock }: typeof out): string =>
    mock.calls.map(([chunk]) => stripVTControlCharacters(String(chunk))).join('');
  try {
    const code = await run(['node', 'berth', ...args, '--coordinator', server.address]);
    return { code, stdout: text(out), stderr: text(err) };
  } finally {
    out.mockRestore();
    err.mockRestore();
    await server.close();
  }
}

export function listedService(
  name: string,
  status: Partial<ServiceStatus>,
  rest: Partial<ListedService> = {},
): ListedService {
  const whole = { ...emptyDocument('ServiceStatus'), accepted: true, rollout: 'steady', ...status };
  return { name, image: `${name}:1`, project: '', mode: 'replicated', ...rest, status: whole };
}

export function instanceStatus(service: string, status: Partial<InstanceStatus> = {}): InstanceStatus {
  return {
    ...{ service, slot: 1, release: 2, phase: 'RUNNING', containerId: '', ports: [], health: 'none', restarts: 0 },
    ...{ reason: '', held: false, spec: '', progress: '', pausedUntilMs: 0, lastRestartReason: '', failedTries: 0 },
    ...status,
  };
}

export function listedInstance(
  id: string,
  status: Partial<InstanceStatus>,
  rest: Partial<ListedInstance> = {},
): ListedInstance {
  const service = id.replace(/-\d+-.*$/, '');
  const place = { host: 'h1', address: '10.0.0.1', hostLive: true, image: '', stuck: '' };
  return { id, ...place, ...rest, status: instanceStatus(service, status) };
}

export function listedHost(name: string, rest: Partial<ListedHost> = {}, record: Partial<HostRecord> = {}): ListedHost {
  return {
    ...{ name, live: true, intent: emptyDocument('HostIntent'), instances: 0, problems: [], lostSinceMs: 0 },
    reserved: { nanoCpus: 0, memoryBytes: 0, resources: {} },
    ...rest,
    record: { ...emptyDocument('HostRecord'), ...record },
  };
}
