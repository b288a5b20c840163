/** Commands about hosts, against a coordinator that says what it is told to. */
import type { ChangeHostRequest, ChangeHostResponse, ListedHost, ListedInstance } from '../lib/rpc/types';
import { emptyDocument } from '../lib/documents/codec';
import { berth, FRESH, listedHost, listedInstance } from '../test/support/fake-coordinator';
import { waitForDrain } from './wait-for-drain';

const NONE = emptyDocument('HostIntent');
const DRAIN = { ...NONE, schedulable: false, drain: true, reason: 'new disk', by: 'ann@ops' };

function changing(answer: Partial<ChangeHostResponse>, asked: ChangeHostRequest[] = []) {
  const whole = { intent: NONE, changed: true, instances: 3, live: true, schedulableHosts: 2, ...answer };
  return {
    changeHost: async (request: ChangeHostRequest) => {
      asked.push(request);
      return whole;
    },
  };
}

test('hosts: who lives, who is cordoned or draining and why, who is lost and for how long', async () => {
  const GIB = 1024 ** 3;
  const hosts = [
    listedHost(
      'h1',
      { instances: 4, reserved: { nanoCpus: 15e8, memoryBytes: 2 * GIB, resources: {} } },
      {
        ...{ address: '10.0.0.1', labels: { zone: 'a' }, agentVersion: '1', dockerVersion: '29' },
        capacity: { nanoCpus: 4e9, memoryBytes: 16 * GIB, resources: {} },
      },
    ),
    listedHost('h2', { intent: DRAIN }),
    listedHost('h3', { live: false, lostSinceMs: Date.now() - 330_500 }),
    listedHost('h4', { intent: { ...NONE, schedulable: false } }),
    listedHost('h5', { live: false, intent: DRAIN }),
  ];
  const alarm = { kind: 'lost-hosts', id: 1, message: '3 of 5 hosts are lost.', names: [] };
  const calls = { listHosts: async () => ({ hosts, freshness: FRESH, alarms: [alarm] }) };
  const said = await berth(calls, 'hosts');
  // It takes as long as it takes.
  expect({ ...said, stdout: said.stdout.replace(/5 min 3\d s/, '5 min 30 s') }).toEqual({
    code: 0,
    stderr: 'Warning: 3 of 5 hosts are lost. [lost-hosts]\n',
    stdout: `HOST   STATE             ADDRESS    INSTANCES   CPU RESERVED   MEMORY RESERVED    LABELS   AGENT   DOCKER
h1     live              10.0.0.1   4           1.5/4          2.0 GiB/16.0 GiB   zone=a   1       29
h2     draining          -          0           0/0            0/0                -        -       -
h3     lost 5 min 30 s   -          0           0/0            0/0                -        -       -
h4     cordoned          -          0           0/0            0/0                -        -       -
h5     lost, draining    -          0           0/0            0/0                -        -       -

h2: draining by ann@ops: new disk
h5: draining by ann@ops: new disk
`,
  });
  expect(JSON.parse((await berth(calls, 'host', '--json')).stdout)).toMatchObject({
    hosts: [{ name: 'h1' }, {}, {}, {}, {}],
  });
});

test('hosts: an address at which nobody else reaches the host is told, unless there is no other host', async () => {
  const hosts = [listedHost('h1', {}, { address: '10.0.0.1' }), listedHost('h2', {}, { address: '127.0.0.1' })];
  const list = (some: typeof hosts) =>
    berth({ listHosts: async () => ({ hosts: some, freshness: FRESH, alarms: [] }) }, 'hosts');
  expect((await list(hosts)).stdout.split('\n').slice(3)).toEqual([
    '',
    'h2: its address is 127.0.0.1, where every host finds itself; set "address" in its /etc/berth/agent.yaml',
    '',
  ]);
  expect((await list(hosts.slice(1))).stdout).not.toContain('address is');
});

const LAST = /^Warning: no host is left that takes .*[Nn]othing (that runs )?is stopped\.\n$/;

test.each<[string, string[], Partial<ChangeHostResponse>, RegExp, RegExp]>([
  [
    'cordon',
    ['cordon', 'h2'],
    {},
    /^h2 is cordoned: it keeps its 3 instances and gets no new ones\. "berth uncordon h2" ends it\.\n$/,
    /^$/,
  ],
  [
    'cordon again',
    ['cordon', 'h2'],
    { changed: false, instances: 1 },
    /^h2 was cordoned already: it keeps its 1 instance and/,
    /^$/,
  ],
  ['cordon of the last', ['cordon', 'h2'], { schedulableHosts: 0 }, /is cordoned/, LAST],
  ['uncordon', ['uncordon', 'h2'], {}, /^h2 takes instances again\.\n$/, /^$/],
  [
    'uncordon of a free one',
    ['uncordon', 'h2'],
    { changed: false },
    /^h2 was neither cordoned nor draining\.\n$/,
    /^$/,
  ],
  [
    'uncordon of a lost one',
    ['uncordon', 'h2'],
    { live: false },
    /again/,
    /^Warning: h2 is lost now; what was asked for counts/,
  ],
  ['drain', ['drain', 'h2'], {}, /^h2 is draining: its 3 instances move away within the update limits/, /^$/],
  ['drain of an empty one', ['drain', 'h2'], { instances: 0 }, /^h2 is draining: nothing is on it\. /, /^$/],
  ['drain again', ['drain', 'h2'], { changed: false }, /^h2 was draining already/, /^$/],
  ['drain of the last', ['drain', 'h2'], { schedulableHosts: 0 }, /is draining/, LAST],
])('%s', async (_, args, answer, told, warned) => {
  const asked: ChangeHostRequest[] = [];
  const { code, stdout, stderr } = await berth(
    changing(answer, asked),
    ...args,
    ...(args[0] === 'uncordon' ? [] : ['--reason', 'why']),
  );
  expect(code).toBe(0);
  expect(stdout).toMatch(told);
  expect(stderr).toMatch(warned);
  expect(asked).toEqual([
    {
      host: 'h2',
      action: args[0],
      reason: args[0] === 'uncordon' ? '' : 'why',
      by: expect.stringMatching(/^\S+@\S+$/),
    },
  ]);
});

test.each([
  ['what is free', { instances: 2, pauses: 0, configKey: '' }, '; the places of its 2 instances are free.\n'],
  [
    'what went with it, and what stays',
    { instances: 0, pauses: 2, configKey: '/berth/config/hosts/h3' },
    '.\n2 pauses ended with it.\nIts layer of config stays, for the next host of this name: "etcdctl del /berth/config/hosts/h3" removes it.\n',
  ],
])('hosts rm says %s', async (_, answer, text) => {
  const removeHost = async () => answer;
  const said = await berth({ removeHost }, 'hosts', 'rm', 'h3');
  expect(said).toEqual({ code: 0, stdout: `h3 is forgotten${text}`, stderr: '' });
  const json = await berth({ removeHost }, 'host', 'rm', 'h3', '--json');
  expect(JSON.parse(json.stdout)).toEqual({ removed: 'h3', ...answer });
});

interface Look {
  readonly host?: Partial<ListedHost> | undefined;
  readonly instances: readonly ListedInstance[];
}

/** Waits with a coordinator that gives one look after another, the last one for ever. */
async function drained(looks: readonly Look[], timeoutMs = 5000) {
  let asked = 0;
  const look = (): Look => looks[Math.min(asked, looks.length - 1)]!;
  const lines: string[] = [];
  const client = {
    listHosts: async () => ({
      hosts: 'host' in look() && look().host === undefined ? [] : [listedHost('h1', { intent: DRAIN, ...look().host })],
      ...{ freshness: FRESH, alarms: [] },
    }),
    listInstances: async () => ({ instances: looks[Math.min(asked++, looks.length - 1)]!.instances, freshness: FRESH }),
  };
  const say = (line: string): void => void lines.push(line.replace(/^ {2}[\d.]+ s: /, ''));
  try {
    await waitForDrain({ client, host: 'h1', timeoutMs, say, pollMs: 1 });
    return { lines, exitCode: 0, message: '' };
  } catch (error) {
    const { exitCode, message } = error as { exitCode: number; message: string };
    return { lines, exitCode, message };
  }
}

const WEB = listedInstance('web-1-a', {});
const GOING = listedInstance('web-2-b', { phase: 'DRAINING' });
const STUCK = listedInstance('db-1-c', {}, { stuck: 'its volume "data" is on this host' });

test.each<[string, readonly Look[], readonly string[]]>([
  ['what is empty already', [{ instances: [] }], ['nothing is left']],
  [
    'how many are left',
    [{ instances: [WEB, GOING] }, { instances: [WEB, GOING] }, { instances: [WEB] }, { instances: [] }],
    ['2 instances left, 1 on the way out', '1 instance left', 'nothing is left'],
  ],
  [
    'what can not move and why, once',
    [{ instances: [STUCK] }, { instances: [STUCK] }, { instances: [] }],
    ['1 instance left', 'db-1-c can not move: its volume "data" is on this host', 'nothing is left'],
  ],
  [
    'what is held, and what is paused',
    [
      { instances: [listedInstance('old-1-x', { held: true }), listedInstance('web-1-a', { pausedUntilMs: 1e12 })] },
      { instances: [] },
    ],
    [
      '2 instances left',
      'old-1-x is held: etcd knows nothing of its service "old"',
      'web-1-a is paused until 2001-09-09T01:46:40Z',
      'nothing is left',
    ],
  ],
  [
    'a host that is lost meanwhile',
    [{ host: { live: false }, instances: [WEB] }, { instances: [] }],
    [
      '1 instance left',
      'h1 is lost: its agent says nothing, and its instances are placed elsewhere',
      'nothing is left',
    ],
  ],
])('drain --wait says %s', async (_, looks, lines) => {
  expect(await drained(looks)).toEqual({ lines, exitCode: 0, message: '' });
});

test.each<[string, Look, number, RegExp]>([
  [
    'the time is up',
    { instances: [STUCK, listedInstance('db-2-d', {}), WEB] },
    4,
    /^h1 is not empty yet; it goes on draining\.\n {2}db-1-c can not move: .*\n {2}db-2-d goes after db-1-c\n {2}web-1-a is running\n/,
  ],
  ['the drain is ended', { host: { intent: NONE }, instances: [WEB] }, 1, /^h1 does not drain any more/],
  ['the host is removed', { host: undefined, instances: [] }, 1, /^h1 was removed meanwhile\.$/],
])('drain --wait ends when %s', async (_, look, exitCode, message) => {
  expect(await drained([look], 30)).toMatchObject({ exitCode, message: expect.stringMatching(message) });
});

test('of very many that can not move, the first are told', async () => {
  const many = Array.from({ length: 25 }, (_, index) =>
    listedInstance(`db-${index + 1}-x`, {}, { stuck: 'its volume' }),
  );
  const { lines, message } = await drained([{ instances: many }], 1);
  expect(lines.at(-1)).toBe('… and 5 more; "berth ps --host h1" has all');
  expect(message).toContain('  db-20-x can not move: its volume\n  … and 5 more\n');
});
