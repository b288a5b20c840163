import { connect } from 'node:net';
import { outcomeOf } from './network-errors';
import { SUCCESS, type Outcome, type Target } from './outcome';

/** Success is a connection; nothing is sent. */
export function tryTcp(port: number, { address }: Target, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const end = (outcome: Outcome): void => {
      socket.destroy();
      resolve(outcome);
    };
    socket.once('connect', () => end(SUCCESS));
    socket.on('error', (error) => end(outcomeOf(error)));
    signal.addEventListener('abort', () => end({ result: 'timeout', reason: 'no connection' }), { once: true });
  });
}
