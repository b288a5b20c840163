/** A real Prometheus ends up with exactly what is there, by http_sd and by file_sd, whatever happens to instances. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cluster } from '../support/cluster';
import type { Daemon } from '../support/daemon';
import { docker } from '../support/docker';
import { startPrometheus, type ActiveTarget, type Prometheus } from '../support/prometheus';
import { refusals } from '../support/traefik-check';
import { until } from '../support/wait';

const SERVE = 'mkdir -p /tmp/www; echo app_up 1 > /tmp/www/stats; exec httpd -f -p 8080 -h /tmp/www';
const WEB = `image: berth-test/busybox:1
command: ["sh", "-c", "${SERVE}"]
stop_signal: SIGKILL
ports: [{ name: http, target: 8080 }, { name: unused, target: 81 }]
deploy: { replicas: 2, update_config: { monitor: 0s } }
labels: { traefik.http.routers.web.rule: "Path('/stats')", traefik.http.services.web.loadbalancer.server.port: http }
x-berth: { metrics: { port: http, path: /stats } }
`;
const QUIET = `image: berth-test/busybox:1\ncommand: sleep 86400\nstop_signal: SIGKILL\nports: [{ target: 8080 }]\n`;
const JOBS = ['berth', 'berth-by-file'];

let cluster: Cluster;
let prometheus: Prometheus;
let coordinators: readonly Daemon[];
beforeAll(async () => {
  cluster = await Cluster.start({ agents: 2, coordinators: 0 });
  const file = join(cluster.folder, 'targets.json');
  coordinators = [await cluster.addCoordinator('--prometheus-file', file), await cluster.addCoordinator()];
  const example = readFileSync('examples/discovery/prometheus.yml', 'utf8')
    .replace('http://127.0.0.1:7422', cluster.coordinatorHttp)
    .replace('refresh_interval: 10s', 'refresh_interval: 1s')
    .replace('scrape_interval: 15s', 'scrape_interval: 500ms');
  expect(example).toContain(`${cluster.coordinatorHttp}/sd/prometheus`);
  const byFile = `  - job_name: berth-by-file\n    file_sd_configs:\n      - files: [${file}]\n`;
  prometheus = await startPrometheus(`${example}\n${byFile}`);
}, 60_000);
afterAll(async () => {
  await prometheus.stop();
  await cluster.stop();
}, 60_000);

const httpOf = ({ output }: Daemon): string => / http (\S+)\n/.exec(output)![1]!;
/** What Docker itself says of the containers that serve metrics. */
async function served(): Promise<readonly string[]> {
  const running = (await cluster.containers()).filter(
    ({ state, instance }) => state === 'running' && /^web-/.test(instance),
  );
  const bound = await Promise.all(running.map(({ id }) => docker('port', id, '8080/tcp')));
  return bound.map((text) => `127.0.0.1:${/:(\d+)$/m.exec(text)![1]}/stats`);
}

/** Settles when both jobs scrape exactly what runs now, and all of it is up. */
async function scraped(live: readonly Daemon[] = coordinators): Promise<readonly ActiveTarget[]> {
  const daemons = [...cluster.agentHttp.map((url) => url.replace('http://', '')), ...live.map(httpOf)];
  return until('Prometheus to scrape what is there, and nothing else', async () => {
    const wanted = [...daemons.map((address) => `${address}/metrics`), ...(await served())].sort();
    const seen = await Promise.all(JOBS.map((job) => prometheus.targets(job)));
    for (const targets of seen) {
      const found = targets.map(({ url, health }) => `${url} ${health}`);
      if (found.join() !== wanted.map((url) => `${url} up`).join())
        throw new Error(`it scrapes ${found.join(', ')} instead of ${wanted.join(', ')}`);
    }
    return seen[0];
  });
}

const instances = (targets: readonly ActiveTarget[]): readonly string[] =>
  targets.flatMap(({ labels }) => (labels['service'] === 'web' ? [labels['instance_id']!] : [])).sort();

test('agents, coordinators and instances are scraped, with labels that tell them apart', async () => {
  await cluster.put('web', WEB);
  await cluster.put('quiet', QUIET);
  await cluster.steady('web', 1);
  await cluster.steady('quiet', 1);
  const targets = await scraped();
  expect(targets).toHaveLength(6);
  const ofWeb = targets.filter(({ labels }) => labels['service'] === 'web').map(({ labels }) => labels);
  expect(ofWeb.map(({ slot }) => slot).sort()).toEqual(['1', '2']);
  for (const labels of ofWeb)
    expect(labels).toEqual({
      ...{ job: 'berth', service: 'web', release: '1', instance: expect.any(String), slot: expect.any(String) },
      ...{ host: expect.stringMatching(/^h[12]$/), instance_id: expect.stringMatching(/^web-\d-/) },
    });
  await until('the samples', async () => (await prometheus.query('app_up{job="berth"} == 1')).length === 2);
  const agents = await prometheus.query('berth_agent_instances_running{job="berth"}');
  expect(agents.map(([{ service, host }]) => `${service} ${host}`).sort()).toEqual([
    'berth-agent h1',
    'berth-agent h2',
  ]);
  expect(
    (await prometheus.query('sum(berth_coordinator_leader{service="berth-coordinator",job="berth"})'))[0]?.[1],
  ).toBe('1');
}, 60_000);

test('Traefik is told where they answer', async () => {
  const answer = await fetch(`${cluster.coordinatorHttp}/sd/traefik`);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json']);
  const document = (await answer.json()) as {
    http: { routers: object; services: { web: { loadBalancer: { servers: { url: string }[] } } } };
  };
  expect(refusals(JSON.stringify(document))).toEqual([]);
  expect(document.http.routers).toEqual({ web: { rule: "Path('/stats')", service: 'web' } });
  const urls = document.http.services.web.loadBalancer.servers.map(({ url }) => `${url}/stats`);
  expect(urls.sort()).toEqual((await served()).map((address) => `http://${address}`).sort());
  for (const url of urls) expect(await (await fetch(url)).text()).toBe('app_up 1\n');
}, 60_000);

test('it follows instances that are scaled, killed and moved to another host', async () => {
  const before = instances(await scraped());
  await cluster.put('web', WEB.replace('replicas: 2', 'replicas: 4'));
  await cluster.steady('web', 2);
  const four = instances(await scraped());
  expect(four).toHaveLength(4);
  expect(four).toEqual(expect.arrayContaining([...before]));

  const [one] = (await cluster.containers()).filter(({ instance }) => instance === four[0]);
  await docker('kill', one!.id);
  await until(
    'its restart',
    async () =>
      ((await cluster.hostStatus('h1'))!.instances[four[0]!] ?? (await cluster.hostStatus('h2'))!.instances[four[0]!])!
        .restarts === 1,
  );
  expect(instances(await scraped())).toEqual(four);

  expect((await cluster.berth('drain', 'h1', '--wait')).code).toBe(0);
  const moved = await scraped();
  expect(instances(moved)).toHaveLength(4);
  expect(moved.filter(({ labels }) => labels['service'] === 'web').every(({ labels }) => labels['host'] === 'h2')).toBe(
    true,
  );
  await cluster.berth('uncordon', 'h1');
}, 90_000);

test('a coordinator that is killed goes with its lease; without etcd the last known targets stay', async () => {
  await coordinators[1]!.end('SIGKILL');
  const before = await scraped(coordinators.slice(0, 1));
  await cluster.etcd.kill();
  const url = `${cluster.coordinatorHttp}/readyz`;
  await until('etcd to be missed', async () => (await fetch(url)).status === 503);
  const page = await fetch(`${cluster.coordinatorHttp}/sd/prometheus`);
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'application/json']);
  expect((await page.json()) as unknown[]).toHaveLength(before.length);
  expect(await scraped(coordinators.slice(0, 1))).toEqual(before);
  // One that has never read etcd would say that there is nothing.
  await coordinators[0]!.end('SIGKILL');
  await coordinators[0]!.start();
  expect((await fetch(`${cluster.coordinatorHttp}/sd/prometheus`)).status).toBe(503);
  expect(await scraped(coordinators.slice(0, 1))).toEqual(before);
  await cluster.etcd.restart();
  expect(instances(await scraped(coordinators.slice(0, 1)))).toEqual(instances(before));
}, 90_000);
