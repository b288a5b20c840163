import * as http from 'node:http';
import * as https from 'node:https';
import type { Clock } from '../../lib/clock';
import type { Probe } from '../../lib/documents/types';
import { VERSION } from '../../lib/version';
import { outcomeOf } from './network-errors';
import { SUCCESS, type Outcome, type Target } from './outcome';

export type HttpProbe = NonNullable<Probe['http']>;

/** The status decides. Of the body so much is read that a server is not cut off in the middle of a short one. */
const MAX_BODY_BYTES = 64 * 1024;
const MAX_BODY_MS = 1000;

/**
 * One request on a connection of its own. No redirect is followed: 3xx is within the range or not. The certificate of
 * a server is not checked, since it is asked by its address.
 */
export function tryHttp(probe: HttpProbe, target: Target, signal: AbortSignal, clock: Clock): Promise<Outcome> {
  return new Promise((resolve) => {
    let request: http.ClientRequest;
    try {
      request = begin(probe, target);
    } catch (error) {
      resolve({ result: 'failure', reason: `can not be asked: ${(error as Error).message}` });
      return;
    }
    let isConnected = false;
    request.once('socket', (socket) => socket.once('connect', () => (isConnected = true)));
    request.once('response', (response) => {
      resolve(judge(response.statusCode ?? 0, probe));
      discard(response, clock);
    });
    request.once('upgrade', ({ statusCode = 0 }, socket) => {
      resolve(judge(statusCode, probe));
      socket.destroy();
    });
    // Errors of the body come after the answer, and change nothing.
    request.on('error', (error) => resolve(outcomeOf(error)));
    const giveUp = (): void => {
      resolve({ result: 'timeout', reason: isConnected ? 'no answer' : 'no connection' });
      request.destroy();
    };
    signal.addEventListener('abort', giveUp, { once: true });
  });
}

function begin({ scheme, port, path, method, headers }: HttpProbe, { address }: Target): http.ClientRequest {
  const options: https.RequestOptions = {
    ...{ host: address, port, path, method, agent: false, rejectUnauthorized: false },
    headers: { 'user-agent': `berth/${VERSION}`, ...headers },
  };
  const request = scheme === 'https' ? https.request(options) : http.request(options);
  return request.end();
}

function judge(status: number, { statusMin, statusMax }: HttpProbe): Outcome {
  if (status >= statusMin && status <= statusMax) return SUCCESS;
  const wanted = statusMin === statusMax ? statusMin : `${statusMin}-${statusMax}`;
  return { result: 'failure', reason: `status ${status}, ${wanted} is wanted` };
}

function discard(response: http.IncomingMessage, clock: Clock): void {
  let bytes = 0;
  const cancel = clock.after(MAX_BODY_MS, () => response.destroy());
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) response.destroy();
  });
  response.on('error', () => undefined);
  response.once('close', cancel);
}
