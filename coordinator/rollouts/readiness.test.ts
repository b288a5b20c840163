import type { InstanceStatus } from '../../lib/documents/types';
import { isDone, isReady, whyFailed } from './readiness';

const exit = (code: number, more: Partial<NonNullable<InstanceStatus['lastExit']>> = {}) => ({
  lastExit: { code, oomKilled: false, atMs: 0, signal: '', log: [], ...more },
});

test.each<[string, Partial<InstanceStatus>, 'ready' | 'done' | 'waited for' | RegExp]>([
  ['runs without a probe', { phase: 'RUNNING', health: 'none' }, 'ready'],
  ['is healthy', { phase: 'RUNNING', health: 'healthy' }, 'ready'],
  ['starts', { phase: 'RUNNING', health: 'starting' }, 'waited for'],
  ['is pulled', { phase: 'PULLING' }, 'waited for'],
  ['is pending', { phase: 'PENDING' }, 'waited for'],
  ['is unhealthy', { phase: 'RUNNING', health: 'unhealthy', reason: 'http: 500' }, /^http: 500$/],
  ['ended well', { phase: 'STOPPED', ...exit(0) }, 'done'],
  ['ended well after a restart', { phase: 'STOPPED', restarts: 1, ...exit(0) }, 'done'],
  ['ended badly', { phase: 'STOPPED', ...exit(3) }, /^exited with code 3$/],
  ['exited and is tried again', { phase: 'BACKOFF', ...exit(0) }, /^exited with code 0$/],
  [
    'said why before it exited',
    { phase: 'BACKOFF', ...exit(3, { log: ['one', '', 'no config', 'giving up', ' '] }) },
    /^exited with code 3, after it said: one \/ no config \/ giving up$/,
  ],
  ['was killed', { phase: 'BACKOFF', ...exit(137, { signal: 'SIGKILL' }) }, /^ended by SIGKILL$/],
  ['used too much memory', { phase: 'BACKOFF', ...exit(137, { oomKilled: true }) }, /memory/],
  ['can not be made', { phase: 'FAILED', reason: 'no such image', failedTries: 3 }, /^no such image$/],
  ['could not be made, and is tried again', { phase: 'FAILED', reason: 'port taken', failedTries: 2 }, 'waited for'],
  ['can not be made, by an older agent', { phase: 'FAILED', reason: 'no such image' }, /^no such image$/],
  [
    'was restarted',
    { phase: 'STARTING', restarts: 1, lastRestartReason: 'exited with code 1' },
    /^exited with code 1$/,
  ],
])('a new instance that %s', (_, change, is) => {
  const report = { ...emptyInstance(), ...change };
  expect([isReady(report), isDone(report)]).toEqual([is === 'ready', is === 'done']);
  if (is instanceof RegExp) expect(whyFailed(report)).toMatch(is);
  else expect(whyFailed(report)).toBeUndefined();
});

test('an instance that no host reports has not failed', () => {
  expect([isReady(undefined), isDone(undefined), whyFailed(undefined)]).toEqual([false, false, undefined]);
});

function emptyInstance(): InstanceStatus {
  const known = { service: 'web', slot: 1, release: 1, containerId: 'c', ports: [], health: 'none', restarts: 0 };
  const words = { failedTries: 0, reason: '', spec: '', progress: '', lastRestartReason: '' };
  return { ...known, ...words, phase: 'PENDING', held: false, pausedUntilMs: 0 };
}
