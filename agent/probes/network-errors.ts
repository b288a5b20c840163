import type { Outcome } from './outcome';

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was closed before an answer came',
  EPIPE: 'the connection was closed before an answer came',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'no connection',
};
/** This host, or this agent, has no more of something: that is nothing that the container did. */
const OUR_OWN = ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL'];

/** What an error of a socket says about the container. */
export function outcomeOf({ code = '', message }: NodeJS.ErrnoException): Outcome {
  if (OUR_OWN.includes(code)) return { result: 'untried', reason: message };
  if (code.startsWith('HPE_')) return { result: 'failure', reason: `what came is no HTTP: ${message}` };
  return { result: 'failure', reason: WORDS[code] ?? message };
}
