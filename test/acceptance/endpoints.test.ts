/** Endpoints in etcd, with real daemons, a real engine and a real etcd. G8. */
import { spawn } from 'node:child_process';
import { decodeDocument } from '../../lib/documents/codec';
import { connectEtcd } from '../../lib/etcd/etcd3-store';
import type { KeyValue, Store } from '../../lib/etcd/store';
import { Cluster } from '../support/cluster';
import { docker } from '../support/docker';
import { until } from '../support/wait';

/** Longer than an agent takes to start on a busy machine. */
const LEASE_TTL_S = 15;
const SKYDNS = '/skydns/local/cluster/web/';

let cluster: Cluster;
let store: Store;
beforeAll(async () => {
  cluster = await Cluster.start({ agents: 0 });
  store = connectEtcd({ endpoints: [cluster.etcd.endpoint] });
  await cluster.addAgent('h1', ['--lease-ttl', `${LEASE_TTL_S}s`, '--skydns-domain', 'cluster.local']);
}, 60_000);
afterAll(async () => {
  store.close();
  await cluster.stop();
}, 60_000);

interface Change {
  readonly type: 'put' | 'delete';
  readonly key: string;
  readonly wallMs: number;
}

/** Every change under a prefix from now on, with the time at which it was heard. */
async function watch(prefix: string): Promise<readonly Change[]> {
  const seen: Change[] = [];
  const { revision } = await store.range({ prefix });
  store.watch({ prefix }, revision + 1, {
    onCreated: () => undefined,
    onEnd: () => undefined,
    onEvents: (events) => {
      for (const event of events)
        seen.push({ type: event.type, key: event.type === 'put' ? event.kv.key : event.key, wallMs: Date.now() });
    },
  });
  return seen;
}

const endpoints = async (): Promise<readonly KeyValue[]> =>
  (await store.range({ prefix: cluster.keys.endpointsOf('web') })).kvs;
const untilEndpoints = (count: number): Promise<readonly KeyValue[]> =>
  until(`${count} endpoints`, async () => {
    const found = await endpoints();
    return found.length === count && found;
  });
const aliveLease = async (): Promise<string> =>
  (await store.range({ key: cluster.keys.hostAlive('h1') })).kvs[0]?.lease ?? '';

/** It answers as long as /tmp/ok is there, and takes its time to end. */
const WEB = `
image: berth-test/busybox:1
command: ["sh", "-c", "touch /tmp/ok; httpd -p 8080 -h /tmp; trap 'sleep 2; exit 0' TERM; while :; do sleep 0.1; done"]
ports: [{ name: http, target: 8080 }]
deploy: { replicas: 2 }
x-berth:
  probe: { http: { port: http, path: /ok }, interval: 200ms, failures: 1 }
  on_unhealthy: withdraw
`;

test('what runs and answers is published, with a SkyDNS record beside it; what falls ill goes, and comes back', async () => {
  await cluster.put('web', WEB);
  const found = await untilEndpoints(2);
  const containers = await cluster.containers();
  for (const { key, value, lease } of found) {
    const instance = key.slice(key.lastIndexOf('/') + 1);
    const { id } = containers.find((one) => one.instance === instance)!;
    const port = Number(/:(\d+)$/m.exec(await docker('port', id, '8080/tcp'))![1]);
    expect(decodeDocument('Endpoint', value)).toMatchObject({
      ...{ host: '127.0.0.1', hostName: 'h1', port, ports: { http: port }, release: 1, weight: 100 },
    });
    expect(lease).toBe(await aliveLease());
    expect(await cluster.etcd.get(`${SKYDNS}${instance}`)).toBe(`{"host":"127.0.0.1","port":${port},"ttl":10}`);
  }
  const [one] = containers;
  await docker('exec', one!.id, 'rm', '/tmp/ok');
  await until('it to go', async () => !(await endpoints()).some(({ key }) => key.endsWith(one!.instance)));
  expect(await cluster.etcd.get(`${SKYDNS}${one!.instance}`)).toBeUndefined();
  await docker('exec', one!.id, 'touch', '/tmp/ok');
  await untilEndpoints(2);
}, 120_000);

test('an agent that is killed and started again within its lease leaves no gap', async () => {
  await untilEndpoints(2);
  const [before] = await endpoints();
  const seen = await watch(cluster.keys.endpoints);
  await cluster.agents[0]!.end('SIGKILL');
  await cluster.agents[0]!.start();
  await until('they come over', async () => {
    const lease = await aliveLease();
    return lease !== before!.lease && (await endpoints()).every((kv) => kv.lease === lease);
  });
  await until(
    'nothing to be left on the earlier lease',
    async () => (await store.leaseKeys(before!.lease!)).length === 0,
  );
  expect(await endpoints()).toHaveLength(2);
  expect(seen.map(({ type }) => type)).toEqual(['put', 'put']);
}, 60_000);

test('what died while there was no agent is gone as soon as the next one is there', async () => {
  await untilEndpoints(2);
  await cluster.agents[0]!.end('SIGKILL');
  const [one, other] = await cluster.containers();
  const before = (await endpoints())[0]!.lease;
  const seen = await watch(cluster.keys.endpointsOf('web'));
  await docker('rm', '-f', one!.id);
  await cluster.agents[0]!.start();
  await until('it to go', () => seen.some(({ type, key }) => type === 'delete' && key.endsWith(one!.instance)));
  // Not by the end of the lease.
  expect(seen.some(({ type, key }) => type === 'delete' && key.endsWith(other!.instance))).toBe(false);
  await untilEndpoints(2);
  expect(await aliveLease()).not.toBe(before);
}, 60_000);

test('a lost lease that is granted anew brings the host and all of its endpoints in one revision', async () => {
  await untilEndpoints(2);
  const lease = await aliveLease();
  await store.revokeLease(lease);
  const found = await until('all to be back', async () => {
    const prefixes = [cluster.keys.endpoints, SKYDNS, cluster.keys.hostAlive('h1')];
    const kvs = (await Promise.all(prefixes.map((prefix) => store.range({ prefix })))).flatMap((range) => range.kvs);
    return kvs.length === 5 && kvs.every((kv) => kv.lease !== lease) && kvs;
  });
  expect(new Set(found.map(({ modRevision }) => modRevision)).size).toBe(1);
}, 60_000);

test('before a container is stopped, its endpoint is gone', async () => {
  await untilEndpoints(2);
  const seen = await watch(cluster.keys.endpointsOf('web'));
  const events = spawn('docker', ['events', '--filter', 'event=die', '--format', '{{.Actor.ID}} {{.TimeNano}}']);
  let died = '';
  events.stdout.on('data', (chunk: Buffer) => (died += chunk.toString()));
  try {
    const containers = await cluster.containers();
    await cluster.remove('web');
    await cluster.running(0);
    for (const { id, instance } of containers) {
      const at = await until('its end', () => new RegExp(`^${id} (\\d+)$`, 'm').exec(died)?.[1]);
      const gone = seen.find(({ type, key }) => type === 'delete' && key.endsWith(instance));
      expect(gone!.wallMs).toBeLessThan(Number(at) / 1e6);
    }
    expect(seen.filter(({ type }) => type === 'put')).toEqual([]);
  } finally {
    events.kill();
  }
}, 60_000);
