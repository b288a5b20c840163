import { outcomeOf } from './network-errors';

const errorOf = (code: string): NodeJS.ErrnoException => Object.assign(new Error(`connect ${code} x`), { code });

test.each([
  ['ECONNREFUSED', 'failure', 'connection refused'],
  ['ECONNRESET', 'failure', 'the connection was closed before an answer came'],
  ['EHOSTUNREACH', 'failure', 'no route to host'],
  ['HPE_INVALID_CONSTANT', 'failure', 'what came is no HTTP: connect HPE_INVALID_CONSTANT x'],
  ['EPROTO', 'failure', 'connect EPROTO x'],
  // No file descriptor, no port, no memory left: on this side of the connection.
  ['EMFILE', 'untried', 'connect EMFILE x'],
  ['ENFILE', 'untried', 'connect ENFILE x'],
  ['ENOBUFS', 'untried', 'connect ENOBUFS x'],
  ['ENOMEM', 'untried', 'connect ENOMEM x'],
  ['EADDRNOTAVAIL', 'untried', 'connect EADDRNOTAVAIL x'],
])('%s is %s', (code, result, reason) => {
  expect(outcomeOf(errorOf(code))).toEqual({ result, reason });
});
