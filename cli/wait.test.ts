import { RpcError, type ListedInstance, type ListedService } from '../lib/rpc/types';
import { FRESH, listedInstance, listedService } from '../test/support/fake-coordinator';
import { waitFor } from './wait';

const STEADY = {
  accepted: true,
  currentRelease: 2,
  targetRelease: 2,
  rollout: 'steady',
  wanted: 2,
  placed: 2,
  running: 2,
};
const ROLLING = { ...STEADY, currentRelease: 1, rollout: 'rolling', running: 1 };

type Status = Partial<ListedService['status']>;

interface Answer {
  readonly status?: Status;
  readonly instances?: readonly (readonly [string, Partial<ListedInstance['status']>])[];
  readonly etcdConnected?: boolean;
}

/** Waits with a coordinator that gives one answer after another, the last one for ever. */
async function waited(
  answers: readonly (Answer | Error)[],
  timeoutMs = 5000,
): Promise<{ lines: readonly string[]; exitCode: number; message: string }> {
  let asked = 0;
  let now: Answer = {};
  const lines: string[] = [];
  const client = {
    listServices: async () => {
      const next = answers[Math.min(asked++, answers.length - 1)]!;
      if (next instanceof Error) throw next;
      now = next;
      const services = now.status === undefined ? [] : [listedService('web', now.status)];
      return { services, alarms: [], freshness: { ...FRESH, etcdConnected: now.etcdConnected ?? true } };
    },
    listInstances: async () => ({
      instances: (now.instances ?? []).map(([id, status]) => listedInstance(id, status)),
      freshness: FRESH,
    }),
  };
  const say = (line: string): void => void lines.push(line.replace(/^ {2}[\d.]+ s: /, ''));
  try {
    await waitFor({ client, services: ['web'], timeoutMs, say, pollMs: 1 });
    return { lines, exitCode: 0, message: '' };
  } catch (error) {
    const { exitCode, message } = error as { exitCode: number; message: string };
    return { lines, exitCode, message };
  }
}

const UNPLACED = ['h2 is cordoned', 'h3 is full', 'h1 is cordoned'].map((text) => {
  const [host = '', ...reason] = text.split(' ');
  return { host, reason: reason.join(' ') };
});
const FAILED: Answer = {
  status: ROLLING,
  instances: [['web-1-a', { phase: 'FAILED', reason: 'no image\n"x"\u001b[31m' }]],
};
const SICK: Answer = { status: ROLLING, instances: [['web-2-b', { health: 'unhealthy', reason: 'probe failed' }]] };
const FINE: Answer = { status: STEADY };

test.each<[string, readonly (Answer | Error)[], readonly string[]]>([
  ['what runs already', [FINE], ['web @2 2/2']],
  ['each change, once', [{ status: ROLLING }, { status: ROLLING }, FINE], ['web @2 1/2, from @1', 'web @2 2/2']],
  [
    'a leader that has not read it',
    [{ status: { ...STEADY, rollout: 'pending' } }, FINE],
    ['web is not taken up by a leading coordinator yet', 'web @2 2/2'],
  ],
  [
    'why an instance fails, while it does, once, and on one line',
    [FAILED, FAILED, FINE],
    ['web @2 1/2, from @1', 'web-1-a on h1: failed: no image "x"\ufffd[31m', 'web @2 2/2'],
  ],
  [
    'a failure that comes back',
    [FAILED, { status: ROLLING }, FAILED, FINE],
    ['web @2 1/2, from @1', expect.any(String), expect.any(String), 'web @2 2/2'],
  ],
  [
    'a failed health check',
    [SICK, FINE],
    ['web @2 1/2, from @1', 'web-2-b on h1: running: probe failed', 'web @2 2/2'],
  ],
  [
    'why there is no place',
    [{ status: { ...ROLLING, placed: 1, unplaced: UNPLACED } }, FINE],
    ['web @2 1/2, from @1', 'web: no place for 1 of 2: h1, h2: is cordoned; h3: is full', 'web @2 2/2'],
  ],
  [
    'a coordinator that goes away and comes back',
    [
      { status: ROLLING },
      new RpcError('unavailable', 'No connection established. Last error: Error: refused. Resolution note: '),
      FINE,
    ],
    ['web @2 1/2, from @1', 'no answer (refused); asking again', 'web @2 2/2'],
  ],
  [
    'an old answer, which is not the end',
    [{ ...FINE, etcdConnected: false }, FINE],
    ['web @2 2/2', 'the coordinator lost touch with etcd; this is what it knew before'],
  ],
])('says %s', async (_, answers, lines) => {
  expect(await waited(answers)).toEqual({ lines, exitCode: 0, message: '' });
});

test.each<[string, Answer | Error, number, RegExp]>([
  [
    'it takes too long',
    FAILED,
    4,
    /^Not everything runs as wanted yet.*\n {2}web @2 1\/2, from @1\n {2}web-1-a on h1: failed: no image/,
  ],
  [
    'an instance waits for what does not come',
    { status: ROLLING, instances: [['web-1-a', { phase: 'PENDING', reason: 'x:1 is not on this host' }]] },
    4,
    /\n {2}web @2 1\/2, from @1\n {2}web-1-a on h1: pending: x:1 is not on this host\n/,
  ],
  [
    'the coordinator stays away',
    new RpcError('deadline', 'after 10.0s'),
    4,
    /no answer within 10 s; asking again|no answer \(no answer/,
  ],
  ['the service is removed', {}, 4, /web is not there/],
  [
    'it is refused after all',
    {
      status: {
        ...ROLLING,
        accepted: false,
        problems: [{ path: 'image', message: 'bad', rule: 'bad-value', line: 1, column: 1, key: '' }],
      },
    },
    2,
    /^web image: bad \[bad-value\]\nRefused; what ran before goes on running\.$/,
  ],
])('ends when %s', async (_, answer, exitCode, message) => {
  expect(await waited([answer], 30)).toMatchObject({ exitCode, message: expect.stringMatching(message) });
});

test('another error is not waited out', async () => {
  expect(await waited([new RpcError('internal', 'broken')])).toMatchObject({ message: 'broken' });
});
