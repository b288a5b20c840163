/** What `berth why`, `alarms` and `services` print, against a coordinator that says what it is told to. */
import { emptyDocument } from '../lib/documents/codec';
import type { Alarm, Rollout } from '../lib/documents/types';
import type { ListedInstance, ListedRelease, ListedService, WhyResponse } from '../lib/rpc/types';
import { berth, FRESH, listedHost, listedInstance, listedService } from '../test/support/fake-coordinator';

const DIGEST = 'sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef';
const MOVE: Rollout = {
  ...{ from: 7, to: 8, phase: 'moving', reason: '', isRollback: false, failedRelease: 0, failedRevision: 0 },
  ...{ startedAtMs: 1, phaseSinceMs: 1, nextBatchAtMs: 0, watched: {}, failures: {}, moved: 1, total: 3 },
  ...{ promoted: false, beforeDone: false, job: '', asked: '', question: 0, asks: 0, lastExits: {}, noDigest: {} },
};
const ALARM: Alarm = {
  kind: 'lost-hosts',
  id: 1.8e12,
  message: '3 of 5 hosts are lost at once',
  names: ['h1', 'h2', 'h3'],
};

function release(number: number, more: Partial<ListedRelease> = {}): ListedRelease {
  return {
    ...{ number, createdAtMs: 1.8e12, author: 'ann@ops', image: `web:${number}`, digest: DIGEST, unpinnedReason: '' },
    ...{ changes: ['container.image'], whole: true, reason: '', ...more },
  };
}

const web = (status: Partial<ListedService['status']>): ListedService =>
  listedService('web', { currentRelease: 7, targetRelease: 7, wanted: 2, placed: 2, running: 2, ...status });

async function why(answer: Partial<WhyResponse>): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const whole = {
    isInstance: false,
    bound: '',
    service: web({}),
    instances: [],
    releases: [],
    fits: [],
    alarms: [],
    freshness: FRESH,
  };
  return berth({ why: async () => ({ ...whole, ...answer }) }, 'why', 'web');
}

test('a service at rest', async () => {
  const author = { by: 'ann@ops', atMs: 1.8e12, textHash: '' };
  const instances = [
    listedInstance('web-1-a', { release: 7 }),
    listedInstance('web-2-b', { release: 7, restarts: 2, lastRestartReason: 'exited with code 1' }, { host: 'h2' }),
  ];
  expect((await why({ author, instances, releases: [release(7)] })).stdout).toBe(`web        @7, steady, 2 of 2 run
document   accepted, written by ann@ops at 2027-01-15T08:00:00Z
@7         web:7, sha256:0123456789ab, cut 2027-01-15T08:00:00Z by ann@ops, the last that was whole; changes container.image

INSTANCE   RELEASE   HOST   PHASE     HEALTH   RESTARTS   WHY
web-1-a    @7        h1     running   -        0          -
web-2-b    @7        h2     running   -        2          last restart: exited with code 1
`);
});

const PROBLEM = { rule: 'bad-value', path: 'deploy.replicas', line: 3, column: 5, message: 'no', key: '' };

test.each<[string, Partial<ListedService['status']>, RegExp]>([
  [
    'pending',
    { rollout: 'pending' },
    /^web +is written, and no leading coordinator has taken it up yet\n +does a coordinator lead\?/,
  ],
  [
    'refused',
    { accepted: false, problems: [PROBLEM] },
    /^web +refused; what was there goes on: @7, steady, 2 of 2 run\n +mend the document and apply it\ndocument +refused\n +line 3:5 deploy\.replicas: no \[bad-value\]\n/,
  ],
  [
    'on its way',
    { targetRelease: 8, rollout: 'rolling', move: MOVE, running: 3 },
    /^web +@7 → @8, moving 1\/3, 3 run, 2 wanted\n/,
  ],
  [
    'on its way, and held up',
    { targetRelease: 8, rollout: 'rolling', move: { ...MOVE, phase: 'waiting', reason: 'waits for db' } },
    /^web +@7 → @8, waiting, 2 of 2 run: waits for db\n/,
  ],
  [
    'rolled back',
    { rollout: 'rolled-back', move: { ...MOVE, phase: 'rolled-back', reason: 'web@8 failed: x' } },
    /^web +@7, rolled-back, 2 of 2 run: web@8 failed: x\n +mend it and apply it; the same file again is another try/,
  ],
  ['frozen', { frozen: 'frozen by ann@ops: audit' }, /^web +@7, steady, 2 of 2 run: frozen by ann@ops: audit\n/],
  [
    'paused',
    { rollout: 'paused', pause: { kind: 'service', name: 'web', untilMs: 1.8e12, reason: 'a look', by: 'ann@ops' } },
    /^web +@7, 2 of 2 run, paused until 2027-01-15T08:00:00Z by ann@ops: a look\n/,
  ],
  ['removed', { rollout: 'stopping' }, /^web +is removed: its instances are being stopped\n\n/],
  [
    'frozen, and its key is gone',
    { rollout: 'held', frozen: 'frozen by ann@ops; "berth unfreeze web" ends it' },
    /^web +its key is gone, and it runs on: frozen by ann@ops; "berth unfreeze web" ends it\n/,
  ],
  ['held', { rollout: 'held' }, /^web +its key is gone with many others: it runs on; see "berth alarms"\n/],
])('a service that is %s', async (_, status, page) => {
  expect((await why({ service: web(status) })).stdout).toMatch(page);
});

test('a rollback that was asked for, what failed and is gone, what fails now, what has no place, what can not move, and alarms', async () => {
  const exit = { code: 3, oomKilled: false, atMs: 0, signal: '', log: ['no config', '\u001b[31mbye'] };
  const failures = { 'web-2-z': 'on h2: exited with code 3, after it said: no config', 'web-1-a': 'on h1: unhealthy' };
  const move = { ...MOVE, phase: 'rolled-back', failures, lastExits: { 'web-2-z': exit } };
  const instances: ListedInstance[] = [
    listedInstance('web-1-a', { phase: 'BACKOFF', reason: 'exited with code 3', lastExit: exit }),
    listedInstance('web-2-b', {}, { stuck: 'its volume is here' }),
    listedInstance('web-0-j', { slot: 0, phase: 'STOPPED', lastExit: { ...exit, code: 0, atMs: 1.8e12 } }),
    listedInstance('web-3-c', { pausedUntilMs: 1.8e12, held: true }, { hostLive: false }),
  ];
  const fits = [
    { hosts: ['h1', 'h2'], count: 44, reasons: ['cordoned', 'memory'] },
    { hosts: ['h3'], count: 1, reasons: [] },
  ];
  const rollback = { release: 6, insteadOf: 7, by: 'bob@ops', atMs: 1 };
  const { stdout, stderr } = await why({
    service: web({ placed: 1, move, rollout: 'rolled-back' }),
    instances,
    fits,
    rollback,
    alarms: [ALARM],
  });
  expect(stderr).toBe('Warning: 3 of 5 hosts are lost at once [lost-hosts]\n');
  expect(stdout).toContain('\nrollback   to @6 instead of @7, asked for by bob@ops, until another release is cut\n');
  expect(stdout).toMatch(/\nweb-1-a .* backoff +- +0 +exited with code 3\n/);
  expect(stdout).toMatch(
    /\nweb-0-j .* stopped +- +0 +the job of x-berth\.before; exited with code 0 at 2027-01-15T08:00:00Z\n/,
  );
  expect(stdout).toMatch(/\nweb-3-c .* unknown +- +0 +its host is lost; this is what it last said; held; paused until/);
  expect(stdout).toContain(`
web-1-a said last:
    | no config
    | \ufffd[31mbye

Failed, and gone:
web-2-z on h2: exited with code 3
    | no config
    | \ufffd[31mbye

No place for 1 of 2. To one more, hosts say:
  h1, h2 and 42 more: cordoned; memory
  h3: fits

To move, and can not:
  web-2-b: its volume is here
`);
});

test('of very many instances, those that are not well are shown', async () => {
  const instances = Array.from({ length: 30 }, (_, index) =>
    listedInstance(`web-${index + 1}-x`, index === 7 ? { phase: 'PULLING', progress: '3 of 9 MB' } : {}),
  );
  const { stdout } = await why({ instances });
  expect(stdout).toMatch(
    /\nweb-8-x .* pulling .* 3 of 9 MB\n… and 29 more, nearly all of which run as wanted; "berth ps" has them\n$/,
  );
});

test('an instance', async () => {
  const exit = { code: 137, oomKilled: true, atMs: 0, signal: 'SIGKILL', log: ['too much'] };
  const port = { name: '', target: 80, published: 20001, protocol: 'tcp' };
  const status = {
    release: 7,
    restarts: 2,
    lastRestartReason: 'unhealthy',
    reason: 'starts in 4 s',
    progress: '',
    containerId: 'abcdef0123456789',
    ports: [port],
    health: 'unhealthy',
    lastExit: exit,
    phase: 'BACKOFF' as const,
  };
  const host = listedHost('h1', { intent: { ...emptyDocument('HostIntent'), drain: true } });
  const answer = {
    isInstance: true,
    instances: [listedInstance('web-1-a', status, { stuck: 'its volume is here' })],
    releases: [release(7)],
    host,
  };
  expect((await why(answer)).stdout).toBe(`instance       web-1-a, slot 1 of web@7
service        @7, steady, 2 of 2 run
release        web:7, sha256:0123456789ab, cut 2027-01-15T08:00:00Z by ann@ops, the last that was whole; changes container.image
host           h1, draining
phase          backoff, container abcdef012345
health         unhealthy
ports          10.0.0.1:20001→80/tcp
restarts       2, the last since unhealthy
why            starts in 4 s
can not move   its volume is here
last exit      exited with code 137, SIGKILL, out of memory

It said last:
    | too much
`);
});

test('an instance whose data binds it to its host says so, once', async () => {
  const bound = 'its data is in the volume data of h1, which is lost: nothing replaces it elsewhere';
  const lost = { hostLive: false, stuck: bound };
  const { stdout } = await why({
    ...{ isInstance: true, bound, releases: [release(7)], host: listedHost('h1', { live: false }) },
    instances: [listedInstance('web-1-a', {}, lost)],
  });
  expect(stdout).toMatch(
    /\nbound +its data is in the volume data of h1, which is lost: nothing replaces it elsewhere\n/,
  );
  expect(stdout).not.toContain('can not move');
  const page = (await why({ instances: [listedInstance('web-1-a', {}, lost)] })).stdout;
  expect(page).toContain('\nTo move, and can not:\n  web-1-a: its data is in the volume data of h1, which is lost');
});

test('alarms, and their release', async () => {
  const calls = {
    listAlarms: async () => ({ alarms: [{ alarm: ALARM, released: false }], freshness: FRESH }),
    releaseAlarm: async () => ({ alarm: ALARM }),
  };
  expect((await berth(calls, 'alarms')).stdout).toBe(`lost-hosts   3 of 5 hosts are lost at once
             since 2027-01-15T08:00:00Z: h1, h2, h3
             "berth alarms release lost-hosts" lets Berth go on
`);
  expect((await berth(calls, 'alarms', 'release', 'lost-hosts')).stdout).toBe('lost-hosts is released: h1, h2, h3\n');
  expect((await berth({ listAlarms: async () => ({ alarms: [], freshness: FRESH }) }, 'alarms')).stdout).toBe(
    'No alarms.\n',
  );
  expect(JSON.parse((await berth(calls, 'alarms', '--json')).stdout)).toMatchObject({
    alarms: [{ alarm: { kind: 'lost-hosts' } }],
  });
});

test('services: what each is doing, in a word and a line', async () => {
  const services = [
    web({}),
    listedService('going', { currentRelease: 1, targetRelease: 2, rollout: 'rolling', move: MOVE }),
    listedService('back', {
      currentRelease: 1,
      targetRelease: 1,
      rollout: 'rolling',
      move: { ...MOVE, isRollback: true, reason: 'back@2 failed' },
    }),
    listedService('bad', {
      currentRelease: 1,
      targetRelease: 1,
      rollout: 'rolled-back',
      move: { ...MOVE, phase: 'rolled-back', reason: 'bad@2 failed' },
    }),
    listedService('ice', { currentRelease: 1, targetRelease: 1, frozen: 'frozen by ann@ops' }),
    listedService('no', { accepted: false, problems: [PROBLEM] }),
  ];
  const { stdout, stderr } = await berth(
    { listServices: async () => ({ services, alarms: [ALARM], freshness: FRESH }) },
    'services',
  );
  expect(stderr).toContain('[lost-hosts]');
  const words = stdout
    .split('\n')
    .slice(1, 7)
    .map((line) => line.split(/ {3,}/)[4]);
  expect(words).toEqual(['steady', 'moving 1/3', 'going back 1/3', 'rolled-back', 'frozen', 'refused']);
  expect(stdout).toContain(
    '\nback: back@2 failed\n\nbad: bad@2 failed\n\nice: frozen by ann@ops\n\nno: line 3:5 deploy.replicas: no [bad-value]\n',
  );
});
