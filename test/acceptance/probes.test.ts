/** Probes from the service document to the status, with real daemons. */
import { Cluster } from '../support/cluster';
import { docker } from '../support/docker';
import { startDockerProxy } from '../support/docker-proxy';
import { sleep, until } from '../support/wait';

let cluster: Cluster;
beforeEach(async () => (cluster = await Cluster.start()), 60_000);
afterEach(() => cluster.stop(), 60_000);

/** As delicate as can be: one failure is enough, and no start period. */
const probed = (port: number, replicas: number): string => `
image: berth-test/busybox:1
command: ["sh", "-c", "echo ok > /tmp/ok; exec httpd -f -p 8080 -h /tmp"]
stop_signal: SIGKILL
deploy: { replicas: ${replicas} }
x-berth:
  probe: { http: { port: ${port}, path: /ok }, interval: 1s, failures: 1 }
`;

const healths = async (): Promise<readonly string[]> =>
  Object.values((await cluster.hostStatus())?.instances ?? {}).map(({ health }) => health);
const allHealthy = (count: number): Promise<unknown> =>
  until(
    'all to be healthy',
    async () => {
      const seen = await healths();
      return seen.length === count && seen.every((health) => health === 'healthy');
    },
    60_000,
  );
const startTimes = async (): Promise<string> =>
  docker('inspect', '--format', '{{.Id}} {{.State.StartedAt}}', ...(await cluster.containers()).map(({ id }) => id));

test('G2: an agent that is killed and started again restarts none of 20 probed containers', async () => {
  await cluster.put('web', probed(8080, 20));
  await cluster.running(20, 60_000);
  await allHealthy(20);
  const before = await startTimes();
  await cluster.agents[0]!.end('SIGKILL');
  const proxy = await startDockerProxy();
  try {
    await cluster.agents[0]!.start('--docker', proxy.address);
    // Each has been asked by the new agent.
    await until('20 tries', async () => (await tries()) >= 20);
    await sleep(4000);
    await allHealthy(20);
    expect(await startTimes()).toBe(before);
    expect(proxy.mutatingCalls).toEqual([]);
    expect(await cluster.metric(cluster.agentHttp[0]!, 'berth_agent_instances_unhealthy')).toBe(0);
  } finally {
    await cluster.agents[0]!.end('SIGKILL');
    await proxy.stop();
  }
}, 180_000);

const tries = (): Promise<number> =>
  cluster.metric(cluster.agentHttp[0]!, 'berth_agent_probe_tries_total{result="success"}'.replace(/[{}]/g, '\\$&'));

test('a probe that changes is followed without touching the container', async () => {
  await cluster.put('web', probed(8080, 2));
  await cluster.running(2);
  await allHealthy(2);
  const before = await startTimes();
  await cluster.put('web', `${probed(8081, 2)}  on_unhealthy: withdraw\n`);
  await until('ill health by the new probe', async () => (await healths()).every((health) => health === 'unhealthy'));
  const [one] = Object.values((await cluster.hostStatus())!.instances);
  expect(one!.reason).toMatch(/:8081\/ok: connection refused; left running, since on_unhealthy is "withdraw"$/);
  await cluster.put('web', probed(8080, 2));
  await allHealthy(2);
  expect(await startTimes()).toBe(before);
}, 120_000);

test('an agent that stood still takes nobody for ill', async () => {
  const probe = 'probe: { exec: [sleep, "0.5"], interval: 100ms, timeout: 2s, failures: 1 }';
  await cluster.put('web', probed(8080, 3).replace(/probe: .*/, probe));
  await cluster.running(3);
  await allHealthy(3);
  const before = await startTimes();
  const agent = cluster.agents[0]!;
  for (let round = 0; round < 4; round++) {
    process.kill(agent.pid, 'SIGSTOP');
    await sleep(4500);
    process.kill(agent.pid, 'SIGCONT');
    await sleep(700);
  }
  await allHealthy(3);
  expect(agent.output).not.toContain('is unhealthy');
  expect(await startTimes()).toBe(before);
}, 120_000);
