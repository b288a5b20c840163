/** Why nobody answers at the agent's socket, and what a reader of its status sees. */
import { emptyDocument } from '../lib/documents/codec';
import type { AgentStatus, LocalInstance } from '../lib/rpc/types';
import { explainSilence } from './agent-session';
import { printHost, printInstance } from './output/agent-status';

test.each([
  ['no socket', 'unavailable', 'connect ENOENT /s', /there is no such socket\. Does an agent run here .*--socket/],
  ['not root', 'unavailable', 'connect EACCES /s', /permission denied\. Only root may ask; try sudo\.$/],
  ['a killed one', 'unavailable', 'connect ECONNREFUSED /s', /nobody listens\. It was killed/],
  ['a frozen one', 'deadline', 'Deadline exceeded after 10s', /no answer in time\n.*journalctl -u berth-agent$/],
  ['something else', 'internal', 'oh\u001b[2J no', /oh\ufffd\[2J no\n/],
])('%s', (_, code, message, told) => {
  const text = explainSilence('/s', { code, message });
  expect(text).toMatch(/^No agent answers at \/s: /);
  expect(text).toMatch(told);
});

const HOUR_MS = 3_600_000;
const running = { ...emptyDocument('HostStatus'), service: 'web', slot: 1, release: 7 };

function instance(
  id: string,
  change: Partial<LocalInstance['status']>,
  rest: Partial<LocalInstance> = {},
): LocalInstance {
  const { service, slot, release } = running;
  return {
    ...{ id, wantedRelease: 'web@7', wantedImage: 'web:7' },
    outlook: { step: '', underWay: false, inMs: 0, reason: '' },
    ...rest,
    status: {
      ...{ service, slot, release, phase: 'RUNNING', containerId: 'abcdef0123456789', ports: [], health: 'healthy' },
      ...{
        restarts: 0,
        reason: '',
        held: false,
        spec: '',
        progress: '',
        pausedUntilMs: 0,
        failedTries: 0,
        lastRestartReason: '',
        ...change,
      },
    },
  };
}

function status(change: Partial<AgentStatus>): AgentStatus {
  return {
    ...{ host: 'h1', agentVersion: '1', upMs: HOUR_MS, etcd: { connected: true, forMs: HOUR_MS, ageMs: 0 } },
    ...{ docker: { answers: true, version: '25' }, assignmentRevision: 3, assignmentFrom: 'etcd', idle: '' },
    ...{ problems: [], pauses: [], instances: [], ...change },
  };
}

function printed(print: () => void): string {
  const write = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    print();
    return write.mock.calls.map(([text]) => String(text)).join('');
  } finally {
    write.mockRestore();
  }
}

test('all is well', () => {
  expect(printed(() => printHost(status({ instances: [instance('web-1-x7k2', {})] })))).toBe(
    `host         h1, agent 1, up 1 h
etcd         connected for 1 h
docker       answers, version 25
assignment   revision 3

INSTANCE     RELEASE   PHASE     HEALTH    RESTARTS   NEXT
web-1-x7k2   web@7     running   healthy   0          nothing
`,
  );
});

test.each<[string, Partial<AgentStatus>, RegExp]>([
  [
    'etcd away',
    { etcd: { connected: false, forMs: 250_000, ageMs: 250_000 } },
    /cut off for 4 min 10 s; what is known/,
  ],
  [
    'etcd never seen',
    { etcd: { connected: false, forMs: 9000, ageMs: -1 } },
    /not reached since the agent started, 9 s ago/,
  ],
  ['Docker away', { docker: { answers: false, version: '25' } }, /docker +does not answer/],
  ['no assignment', { assignmentFrom: 'nowhere', assignmentRevision: 0 }, /assignment +none\n/],
  ['from disk', { assignmentFrom: 'disk' }, /revision 3, from the copy on disk/],
  ['idle', { idle: 'waiting for Docker' }, /nothing is done now: waiting for Docker/],
  [
    'paused',
    { pauses: [{ kind: 'host', name: 'h1', untilMs: 1.8e12, reason: 'new disk', by: 'me@here' }] },
    /hands off +host h1 paused until 2027-01-15T08:00:00Z by me@here: new disk/,
  ],
  [
    'a problem',
    { problems: [{ rule: 'disk-copy', path: '', line: 0, column: 0, message: 'it is full', key: '' }] },
    /problem +it is full \[disk-copy\]/,
  ],
  ['nothing at all', {}, /\nNothing should run here, and nothing does\.\n$/],
])('the head says: %s', (_, change, told) => {
  expect(printed(() => printHost(status(change)))).toMatch(told);
});

test.each<[string, LocalInstance['outlook'], string]>([
  ['nothing', { step: '', underWay: false, inMs: 0, reason: 'it was so' }, 'nothing: it was so'],
  ['now', { step: 'start', underWay: false, inMs: 0, reason: 'exited' }, 'start at once: exited'],
  ['later', { step: 'start', underWay: false, inMs: 12_000, reason: 'exited' }, 'start in 12 s: exited'],
  ['under way', { step: 'pull', underWay: true, inMs: 0, reason: '' }, 'pull, under way'],
])('what is next: %s', (_, outlook, told) => {
  const page = printed(() => printHost(status({ instances: [instance('web-1', {}, { outlook })] })));
  expect(page.trimEnd().split('   ').at(-1)!.trim()).toBe(told);
});

test('why it was restarted last is told where nothing else is to be, and of one instance always', () => {
  const lastRestartReason = 'unhealthy: GET http://172.17.0.2:8080/ok: status 404, 200-399 is wanted';
  const well = instance('web-1', { restarts: 3, lastRestartReason });
  const outlook = { step: 'start', underWay: false, inMs: 12_000, reason: 'exited with code 3' };
  const down = instance('web-2', { restarts: 3, lastRestartReason, phase: 'BACKOFF' }, { outlook });
  expect(printed(() => printHost(status({ instances: [well, down] })))).toMatch(
    /3 +nothing; last restart: unhealthy: GET http:.*\n.*3 +start in 12 s: exited with code 3\n$/,
  );
  for (const one of [well, down])
    expect(printed(() => printInstance(one))).toContain(`restarts       3\nlast restart   ${lastRestartReason}\n`);
  expect(printed(() => printInstance(instance('web-3', {})))).not.toContain('last restart');
});

test('a line of the table is never over 120 characters; one instance alone is told whole', () => {
  const outlook = { step: 'start', underWay: false, inMs: 0, reason: 'x'.repeat(500) };
  const log = ['starting', 'falling\u001b[31m over'];
  const lastExit = { code: 137, oomKilled: true, atMs: 1.8e12, signal: 'SIGKILL', log };
  const one = instance(
    'web-1-x7k2',
    { phase: 'BACKOFF', lastExit, release: 6, reason: 'it exited', progress: 'half' },
    { outlook },
  );
  const lines = printed(() => printHost(status({ instances: [one] }))).split('\n');
  expect(Math.max(...lines.map((line) => line.length))).toBe(120);
  expect(lines.at(-2)).toMatch(/web@6 → web@7/);
  const page = printed(() => printInstance(one));
  expect(page).toContain('x'.repeat(500));
  expect(page).toMatch(/should run +web@7, web:7\nruns +backoff, release web@6, container abcdef012345\n/);
  expect(page).toMatch(
    /last exit +code 137, SIGKILL, out of memory, 2027-01-15T08:00:00Z\n +\| starting\n +\| falling\ufffd\[31m over\n/,
  );
  expect(page).toMatch(/why +it exited\nprogress +half\n/);
});
