import type { Clock } from '../../lib/clock';
import type { Probe } from '../../lib/documents/types';
import { checkHealth } from '../../lib/rpc/health';
import type { Engine } from '../docker/engine';
import { createExecTry } from './exec-try';
import { tryHttp } from './http-try';
import { SUCCESS, hostPort, type Outcome, type Target, type TryProbe } from './outcome';
import { tryTcp } from './tcp-try';

/** Tries probes of every kind for real. */
export function createTryProbe({ engine, clock }: { readonly engine: Engine; readonly clock: Clock }): TryProbe {
  const tryExec = createExecTry({ exec: (...request) => engine.exec(...request) });
  return async ({ http, tcp, exec, grpc }, target, signal) => {
    if (exec !== undefined) return tryExec(exec.command, target, signal);
    if (target.address === '') return { result: 'failure', reason: 'the container has no address' };
    if (http !== undefined) return tryHttp(http, target, signal, clock);
    if (tcp !== undefined) return tryTcp(tcp.port, target, signal);
    if (grpc !== undefined) return tryGrpc(grpc, target, signal);
    return { result: 'untried', reason: 'this agent does not know its kind' };
  };
}

async function tryGrpc(
  { port, service }: NonNullable<Probe['grpc']>,
  { address }: Target,
  signal: AbortSignal,
): Promise<Outcome> {
  const answer = await checkHealth(hostPort(address, port), service, signal);
  if (answer === 'SERVING') return SUCCESS;
  return signal.aborted ? { result: 'timeout', reason: 'no answer' } : { result: 'failure', reason: answer };
}
