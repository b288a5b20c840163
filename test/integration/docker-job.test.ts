/** A `before` job, and the values of config that a container takes, on a real Docker Engine. */
import { desiredOf, releaseOf, withJob } from '../support/desired';
import { docker } from '../support/docker';
import { ensureTestImage } from '../support/docker-images';
import { NO_NETWORK } from '../support/engine-subjects';
import { ProbedHost } from '../support/probed-host';
import { until } from '../support/wait';
import type { DesiredInstance } from '../../agent/plan/types';
import { madeFrom } from '../../agent/plan/made-from';
import type { ContainerSpec, Release } from '../../lib/documents/types';

jest.setTimeout(60_000);

const SLEEPS = ['sh', '-c', 'exec sleep 300'];
/** Of the job: a number in place of a slot, since no instance has it. */
const JOB = 0;

let image: string;
let host: ProbedHost;
beforeAll(async () => (image = await ensureTestImage()));
beforeEach(() => (host = new ProbedHost()));
afterEach(() => host.stop());

function releaseWith(job: string, container: Partial<ContainerSpec> = {}): Release {
  const release = releaseOf('web', { image, container: { command: SLEEPS, stopSignal: 'SIGKILL', ...container } });
  return { ...release, deploy: { ...release.deploy, before: { command: ['sh', '-c', job], timeoutMs: 60_000 } } };
}
const name = (slot: number): string => `berth-${host.instance(slot)}`;
const ended = (): ReturnType<ProbedHost['untilStatus']> =>
  host.untilStatus('the end of the job', ({ phase }) => phase === 'STOPPED', JOB);

test.each([
  ['that succeeds', 0],
  ['that fails', 7],
])('a job %s runs once, behind the entrypoint of its service, and its last lines are told', async (_, code) => {
  const entrypoint = ['/bin/busybox', 'env', 'BY=entrypoint'];
  const release = releaseWith(`echo "$BY $$"; exit ${code}`, {
    entrypoint,
    healthCheck: {
      ...{ test: ['CMD', 'false'], intervalMs: 100, timeoutMs: 1000, startPeriodMs: 0, retries: 1 },
    },
  });
  host.wantAll(withJob(desiredOf({}), host.instance(JOB), release));
  expect(await ended()).toMatchObject({
    ...{ health: 'none', restarts: 0, ports: [], slot: 0, lastExit: { code, log: ['entrypoint 1'] } },
  });
  const format = '{{.RestartCount}} {{.State.Status}} {{len .NetworkSettings.Ports}}';
  expect(await docker('inspect', '--format', format, name(JOB))).toBe('0 exited 0');
  host.wantAll(desiredOf({}));
  await until('its removal', async () => {
    const left = await docker('ps', '-aq', '--filter', `name=${name(JOB)}`);
    return left === '' || undefined;
  });
});

test('a job has the networks and volumes of its service, and no container finds it by the service’s name', async () => {
  const network = `berth-test-${host.owner.host}`;
  await docker('network', 'create', network);
  try {
    const networks = [{ ...NO_NETWORK, name: network, aliases: ['shop'] }];
    const release = releaseWith('exec sleep 300', { networks });
    host.wantAll(withJob(desiredOf({}), host.instance(JOB), release));
    await host.untilStatus('the job to run', ({ phase }) => phase === 'RUNNING', JOB);
    const aliases = `{{json (index .NetworkSettings.Networks "${network}").Aliases}}`;
    const found = JSON.parse(await docker('inspect', '--format', aliases, name(JOB))) as readonly string[] | null;
    expect(found ?? []).not.toContain('web');
    expect(found ?? []).not.toContain('shop');
    host.wantAll(withJob(desiredOf({ [host.instance(1)]: release }), host.instance(JOB), release));
    await host.untilStatus('the instance to run', ({ phase }) => phase === 'RUNNING');
    const own = await docker(
      'inspect',
      '--format',
      `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`,
      name(1),
    );
    for (const asked of ['web', 'shop'])
      expect(await host.run(['busybox', 'nslookup', asked, '127.0.0.11'], JOB)).toContain(own);
  } finally {
    await host.stop();
    await docker('network', 'rm', network);
  }
});

test('values of config are in placeholders and, where all are taken, in the environment, below what it says itself', async () => {
  const release: Release = {
    ...releaseWith('true', {
      environment: { GREETING: '{{.Config.GREETING}} from {{.Task.Slot}}', OWN: 'own' },
      labels: { 'of.config': '{{.Config.GREETING}}' },
      command: ['sh', '-c', 'exec sleep {{.Config.SECONDS}}'],
      configEnvironment: true,
    }),
    config: { GREETING: 'hello', OWN: 'layer', SECONDS: '300', LEVEL: 'info' },
  };
  const assigned = { service: 'web', slot: 1, release: 1, hash: '', config: { LEVEL: 'debug' }, before: false };
  const instance: DesiredInstance = { ...assigned, ...madeFrom(assigned, release) };
  host.wantAll({ ...desiredOf({}), instances: new Map([[host.instance(1), instance]]) });
  await host.untilStatus('it to run', ({ phase }) => phase === 'RUNNING');
  const seen = await host.run(['sh', '-c', 'echo "$GREETING|$OWN|$LEVEL"; busybox tr "\\0" " " < /proc/1/cmdline']);
  expect(seen).toBe('hello from 1|own|debug\nsleep 300');
  const labels = '{{index .Config.Labels "of.config"}} {{index .Config.Labels "berth.spec"}}';
  expect(await docker('inspect', '--format', labels, name(1))).toBe(`hello ${instance.specHash}`);
});
