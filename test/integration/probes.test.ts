/** What becomes of instances by their probes, on the real Docker Engine. */
import type { Probe } from '../../lib/documents/types';
import { docker } from '../support/docker';
import { ensureTestImage } from '../support/docker-images';
import { startDockerProxy, type DockerCall } from '../support/docker-proxy';
import {
  ProbedHost,
  SERVE,
  SERVE_OK,
  execProbe,
  httpProbe,
  probedRelease,
  tcpProbe,
  type ProbedWish,
} from '../support/probed-host';
import { sleep, until } from '../support/wait';

let image: string;
let host: ProbedHost;
beforeAll(async () => void (image = await ensureTestImage()));
beforeEach(() => void (host = new ProbedHost()));
afterEach(() => host.stop(), 60_000);

const want = (...wishes: readonly ProbedWish[]): void => host.want(wishes.map((wish) => probedRelease(image, wish)));
const NOT_FOUND = /GET http:\/\/[\d.]+:8080\/ok: status 404, 200-399 is wanted/;
/** On a busy machine the server is not there after three tries; ill health counts from the first good answer on. */
const SLOW_START = { startPeriodMs: 20_000 };
const makeIll = (): Promise<string> => host.run(['rm', '/tmp/ok']);
const starts = (): number => host.told(/^(re)?start /).length;

test('G1: an instance that turns unhealthy is restarted after its failures, and the reason is in the log and the status', async () => {
  want({ script: SERVE_OK, probe: httpProbe(SLOW_START), policy: { delayMs: 500 } });
  await host.healthy();
  const started = await host.startedAt();
  await makeIll();
  const ill = await host.untilStatus('ill health in the status', ({ health }) => health === 'unhealthy');
  expect(ill).toMatchObject({ phase: 'RUNNING', reason: expect.stringMatching(NOT_FOUND) });
  await until('the restart', async () => (await host.startedAt()) !== started);
  // Healthy again, since its script makes the file anew.
  await host.untilStatus('it to be well again', ({ health, restarts }) => health === 'healthy' && restarts === 1);
  const instance = host.instance();
  expect(host.told(/healthy|restart/)).toEqual([
    `${instance} is healthy: `,
    expect.stringMatching(new RegExp(`^${instance} is unhealthy: ${NOT_FOUND.source}$`)),
    expect.stringMatching(new RegExp(`^restart ${instance}: unhealthy: ${NOT_FOUND.source}$`)),
    `${instance} is healthy: `,
  ]);
  const { reason, lastRestartReason } = host.status()!;
  expect(reason).toBe('');
  expect(lastRestartReason).toMatch(new RegExp(`^unhealthy: ${NOT_FOUND.source}$`));
});

test('one that is never healthy is restarted with growing delays, and after max_attempts it is left running', async () => {
  want({ script: SERVE, probe: httpProbe({ failures: 1 }), policy: { maxAttempts: 2 } });
  const status = await host.untilStatus(
    'it to be given up',
    // In the middle of the last restart Docker says for a moment that it has exited.
    ({ phase, reason, restarts }) => phase === 'RUNNING' && restarts === 2 && reason.includes('given up'),
  );
  expect(status).toMatchObject({ health: 'unhealthy', restarts: 2 });
  expect(status.reason).toMatch(/^unhealthy: .*; left running, since given up after 2 restarts in a row$/);
  const started = await host.startedAt();
  await sleep(3000);
  expect([await host.startedAt(), starts()]).toEqual([started, 2]);
  // The first restart follows ill health at once, the second after 0.5 s to 1 s.
  const timesOf = (pattern: RegExp): readonly number[] =>
    host.lines.filter(({ message }) => pattern.test(message)).map(({ atMs }) => atMs);
  const waits = timesOf(/^restart /).map((restartedMs, index) => restartedMs - timesOf(/is unhealthy$/)[index]!);
  expect(waits[1]).toBeGreaterThan(450);
  // It is still asked, and may come right by itself.
  await host.run(['touch', '/tmp/ok']);
  await host.healthy();
  expect(await host.startedAt()).toBe(started);
});

test.each<[string, Partial<ProbedWish>, RegExp]>([
  ['on_unhealthy "withdraw"', { onUnhealthy: 'withdraw' }, /left running, since on_unhealthy is "withdraw"$/],
  ['restart policy "none"', { policy: { condition: 'none' } }, /left running, since the restart policy is "none"$/],
])('%s: it is left running, and the status says so', async (_, wish, reason) => {
  want({ script: SERVE_OK, probe: httpProbe(), ...wish });
  await host.healthy();
  const started = await host.startedAt();
  await makeIll();
  const ill = await host.untilStatus('ill health', ({ health }) => health === 'unhealthy');
  expect(ill).toMatchObject({ phase: 'RUNNING', reason: expect.stringMatching(reason) });
  await sleep(1500);
  expect([await host.startedAt(), starts()]).toEqual([started, 0]);
  await host.run(['touch', '/tmp/ok']);
  expect(await host.healthy()).toMatchObject({ reason: '' });
});

test('a start period protects a slow start, and one without it is restarted', async () => {
  const slow = { script: `sleep 4; ${SERVE_OK}`, policy: { maxAttempts: 1 } };
  const probe = httpProbe({ failures: 2 });
  want({ ...slow, probe: { ...probe, startPeriodMs: 60_000 } }, { ...slow, probe });
  await host.untilStatus('the other to be restarted', ({ restarts }) => restarts === 1, 2);
  expect(host.status(1)).toMatchObject({ health: 'starting', restarts: 0 });
  await host.healthy(1);
  expect(host.status(1)).toMatchObject({ restarts: 0 });
});

test('a process that is stopped (SIGSTOP) is restarted; a container that is paused in Docker is left alone', async () => {
  const probe = httpProbe({ timeoutMs: 300, ...SLOW_START });
  want({ script: SERVE_OK, probe }, { script: SERVE_OK, probe });
  await Promise.all([host.healthy(1), host.healthy(2)]);
  const [first, second] = await Promise.all([host.startedAt(1), host.startedAt(2)]);
  await docker('pause', `berth-${host.instance(2)}`);
  await docker('kill', '--signal', 'STOP', `berth-${host.instance(1)}`);
  await until('the restart', async () => (await host.startedAt(1)) !== first);
  await host.untilStatus('it to be well again', ({ health, restarts }) => health === 'healthy' && restarts === 1, 1);
  expect(host.told(/^restart/)).toEqual([expect.stringMatching(/: no (answer|connection) within 0\.3 s$/)]);
  expect(host.status(2)).toMatchObject({ health: 'starting', reason: 'paused in Docker by hand; left as it is' });
  await docker('unpause', `berth-${host.instance(2)}`);
  await host.healthy(2);
  expect(await host.startedAt(2)).toBe(second);
});

test.each<[string, Probe, string, readonly string[], RegExp]>([
  [
    'tcp',
    tcpProbe(5432),
    'nc -ll -p 5432 -e cat & echo $! > /tmp/pid; wait; sleep 60',
    ['sh', '-c', 'kill $(cat /tmp/pid)'],
    /TCP [\d.]+:5432: connection refused/,
  ],
  ['exec', execProbe(['test', '-f', '/tmp/ok']), SERVE_OK, ['rm', '/tmp/ok'], /exec test -f \/tmp\/ok: exit code 1/],
])('%s: healthy, then ill', async (_, probe, script, command, reason) => {
  want({ script, probe, onUnhealthy: 'withdraw' });
  await host.healthy();
  await host.run(command);
  const ill = await host.untilStatus('ill health', ({ health }) => health === 'unhealthy');
  expect(ill.reason).toMatch(reason);
});

test('the probe counts, whatever the health check of Docker says beside it', async () => {
  const release = probedRelease(image, { script: SERVE_OK, probe: httpProbe() });
  const healthCheck = {
    ...{ test: ['CMD', 'false'], intervalMs: 200, timeoutMs: 1000, startPeriodMs: 0, retries: 1 },
  };
  host.want([{ ...release, container: { ...release.container, healthCheck } }]);
  await host.healthy();
  const byDocker = (): Promise<string> =>
    docker('inspect', '--format', '{{.State.Health.Status}}', `berth-${host.instance()}`);
  await until('Docker to say otherwise', async () => (await byDocker()) === 'unhealthy');
  await sleep(1500);
  expect(host.status()).toMatchObject({ health: 'healthy', restarts: 0, reason: '' });
  await makeIll();
  await host.untilStatus('the restart', ({ restarts }) => restarts === 1);
  expect(host.told(/^restart/)).toEqual([expect.stringMatching(NOT_FOUND)]);
});

test('exec: what is written is in the reason, and a command that there is not is a failure', async () => {
  const ill = (command: readonly string[]): ProbedWish => ({
    ...{ script: SERVE_OK, probe: execProbe(command), onUnhealthy: 'withdraw' },
  });
  want(ill(['sh', '-c', 'echo no database; exit 3']), ill(['no-such-program']));
  const [first, second] = await Promise.all(
    [1, 2].map((slot) => host.untilStatus('ill health', ({ health }) => health === 'unhealthy', slot)),
  );
  expect(first!.reason).toMatch(/exit code 3: no database/);
  expect(second!.reason).toMatch(/no-such-program.*not found/);
});

test('exec: commands that hang do not pile up in the container', async () => {
  const probe = execProbe(['sleep', '987'], { timeoutMs: 300, failures: 8 });
  want({ script: SERVE_OK, probe, onUnhealthy: 'withdraw' });
  await host.untilStatus('ill health', ({ health }) => health === 'unhealthy');
  expect(host.status()!.reason).toMatch(/exec sleep 987: the command of an earlier try still runs/);
  const processes = await docker('top', `berth-${host.instance()}`, '-eo', 'pid,args');
  expect(processes.match(/sleep 987/g)).toHaveLength(1);
});

test('exec: a Docker that does not begin commands is not the ill health of a container', async () => {
  await host.stop();
  const proxy = await startDockerProxy();
  try {
    host = new ProbedHost(proxy.address);
    want({ script: SERVE_OK, probe: execProbe(['true'], { timeoutMs: 1000 }) });
    await host.healthy();
    proxy.inject(({ path }) => /^\/exec\/[^/]*\/start$/.test(path), { kind: 'hang' });
    const isExec = ({ path }: DockerCall): boolean => path.includes('/exec');
    proxy.forgetCalls();
    await until('a command that hangs', () => proxy.calls.some(({ path }) => path.endsWith('/start')));
    proxy.forgetCalls();
    await sleep(8000);
    expect(proxy.calls.filter(isExec)).toEqual([]);
    expect(host.status()).toMatchObject({ health: 'healthy', restarts: 0 });
  } finally {
    await host.stop();
    await proxy.stop();
  }
}, 60_000);
