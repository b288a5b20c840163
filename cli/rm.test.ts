/** `berth rm --wait`, of answers that are made up. */
import { berth, FRESH, listedInstance, listedService } from '../test/support/fake-coordinator';
import type { ListedInstance, ListedService } from '../lib/rpc/types';
import { waitForRemoval } from './wait-for-removal';

interface Look {
  readonly services?: readonly ListedService[];
  readonly instances: readonly ListedInstance[];
}

/** @param looks what is there at the first look, the second one, …; the last one stays */
async function removed(looks: readonly Look[], timeoutMs = 5000) {
  let asked = 0;
  const look = (): Look => looks[Math.min(asked, looks.length - 1)]!;
  const lines: string[] = [];
  const client = {
    listServices: async () => ({ services: look().services ?? [], alarms: [], freshness: FRESH }),
    listInstances: async () => {
      const { instances } = look();
      asked++;
      return { instances, freshness: FRESH };
    },
  };
  const say = (line: string): void => void lines.push(line.replace(/^ {2}[\d.]+ s: /, ''));
  try {
    await waitForRemoval({ client, services: ['web', 'api'], timeoutMs, say, pollMs: 1 });
    return { lines, exitCode: 0, message: '' };
  } catch (error) {
    const { exitCode, message } = error as { exitCode: number; message: string };
    return { lines, exitCode, message };
  }
}

const WEB = listedService('web', {});
const ONE = listedInstance('web-1-a', {});
const GOING = listedInstance('web-1-a', { phase: 'STOPPING' });

test.each<[string, readonly Look[], readonly string[]]>([
  [
    'how many are left',
    [{ instances: [ONE] }, { instances: [GOING] }, { instances: [] }],
    ['1 instance left', '1 instance left, 1 on the way out', 'nothing is left'],
  ],
  [
    'nothing of a coordinator that hears of the removal a moment later',
    [{ services: [WEB], instances: [] }, { instances: [ONE] }, { instances: [] }],
    ['nothing is left', '1 instance left', 'nothing is left'],
  ],
  [
    'what is paused, and what is on a host that is lost',
    [
      {
        instances: [
          listedInstance('web-1-a', { pausedUntilMs: 1e12 }),
          listedInstance('web-2-b', {}, { hostLive: false }),
        ],
      },
      { instances: [] },
    ],
    [
      '2 instances left',
      'web-1-a is paused until 2001-09-09T01:46:40Z',
      'web-2-b is on h1, which is lost: it is removed when its agent is back',
      'nothing is left',
    ],
  ],
])('rm --wait says %s', async (_, looks, lines) => {
  expect(await removed(looks)).toEqual({ lines, exitCode: 0, message: '' });
});

test.each<[string, readonly Look[], number, RegExp]>([
  [
    'the time is up',
    [{ instances: [ONE] }],
    4,
    /^Not all instances are gone yet; they go on being stopped\.\n {2}web-1-a is running\n"berth ps" tells more\.$/,
  ],
  [
    'one is applied again',
    [{ instances: [ONE] }, { services: [WEB], instances: [ONE] }],
    1,
    /^web is there again: somebody applied it meanwhile\.$/,
  ],
])('rm --wait ends when %s', async (_, looks, exitCode, message) => {
  expect(await removed(looks, 30)).toMatchObject({ exitCode, message: expect.stringMatching(message) });
});

test('without --wait, it says where to look', async () => {
  const { code, stdout } = await berth({ remove: async () => ({}) }, 'rm', 'web');
  expect([code, stdout]).toEqual([
    0,
    'web removed\nIts instances are being stopped, paused ones at the end of their pause; "berth ps" shows them until they are gone.\n',
  ]);
});
