/** G5: what is wrong is said where its author looks, and harms nothing else. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { InstanceStatus, Problem } from '../../lib/documents/types';
import { Cluster } from '../support/cluster';
import { IDLE } from '../support/docker';
import { until } from '../support/wait';

let cluster: Cluster;
let bystander: string;
beforeAll(async () => {
  cluster = await Cluster.start();
  await cluster.put('bystander', IDLE);
  bystander = (await cluster.running(1))[0]!.id;
}, 60_000);
afterAll(() => cluster.stop(), 60_000);

/** Nothing that a test does may have touched it. */
afterEach(async () => {
  const seen = await cluster.containers();
  expect(seen.find(({ id }) => id === bystander)?.state).toBe('running');
});

async function refusal(service: string, document: string): Promise<readonly Problem[]> {
  await cluster.put(service, document);
  const status = await until(`the refusal of ${service}`, async () => {
    const seen = await cluster.serviceStatus(service);
    return seen?.accepted === false ? seen : undefined;
  });
  await cluster.remove(service);
  await until('the status to go', async () => (await cluster.serviceStatus(service)) === undefined);
  return status.problems;
}

test.each<[string, string, Partial<Problem>[]]>([
  ['YAML that does not parse', 'image: [a', [{ rule: 'yaml-syntax', line: 1 }]],
  [
    'an unknown key',
    'image: a\nportz: [80]',
    [{ rule: 'unknown-key', path: 'portz', line: 2, column: 1, message: 'no such key; did you mean "ports"?' }],
  ],
  [
    'a key that is not supported',
    'image: a\nprivileged: true',
    [{ rule: 'unsupported-key', path: 'privileged', line: 2 }],
  ],
  ['a wrong type', 'image: a\nenvironment: 5', [{ rule: 'wrong-type', path: 'environment', line: 2, column: 14 }]],
  [
    'a port out of range',
    'image: a\nports: ["70000:80"]',
    [{ rule: 'out-of-range', path: 'ports[0]', line: 2, column: 9 }],
  ],
  ['a port twice', 'image: a\nports: ["80:1", "80:2"]', [{ rule: 'duplicate-port', path: 'ports[1]', line: 2 }]],
  [
    'a negative memory',
    'image: a\ndeploy: { resources: { limits: { memory: -1 } } }',
    [{ rule: 'bad-value', path: 'deploy.resources.limits.memory', line: 2 }],
  ],
  ['no image', 'command: a', [{ rule: 'missing-key', line: 1 }]],
])('%s', async (_, document, problems) => {
  expect(await refusal('bad', document)).toEqual(problems.map((problem) => expect.objectContaining(problem)));
});

test('a name that is no DNS label', async () => {
  expect(await refusal('Bad_Name', 'image: a')).toEqual([expect.objectContaining({ rule: 'bad-name' })]);
});

test('a document of 2 MB is refused by etcd; one of 1 MB by the coordinator, and by apply', async () => {
  const big = `image: a\nlabels: { x: ${'y'.repeat(1024 * 1024)} }\n`;
  const twice = `${big}${'#'.repeat(1024 * 1024)}`;
  await expect(cluster.put('big', twice)).rejects.toThrow(/too large|larger than max/);
  const [problem] = await refusal('big', big);
  expect(problem).toMatchObject({ rule: 'too-large', line: 1, column: 1 });
  for (const document of [big, twice]) {
    const file = join(cluster.folder, 'big.yaml');
    writeFileSync(file, `name: big\nservices:\n  big:\n${document.replace(/^/gm, '    ')}`);
    const applied = await cluster.berth('apply', '-f', file);
    expect(applied.code).toBe(2);
    expect(applied.stderr).toContain('262144 are the limit');
  }
});

async function failure(service: string, document: string): Promise<InstanceStatus> {
  await cluster.put(service, document);
  const found = await until(`the failure of ${service}`, async () => {
    const all = Object.values((await cluster.hostStatus())?.instances ?? {});
    return all.find((one) => one.service === service && one.phase === 'FAILED');
  });
  const { stdout } = await cluster.berth('ps', service);
  expect(stdout).toContain('failed');
  await cluster.remove(service);
  await until('it to go', async () =>
    Object.values((await cluster.hostStatus())!.instances).every((one) => one.service !== service),
  );
  return found;
}

test('an image that does not exist', async () => {
  const { reason } = await failure('ghost', 'image: 127.0.0.1:1/no/such:image\n');
  expect(reason).toMatch(/^pull failed: .*127\.0\.0\.1:1/);
}, 60_000);

test('a bind mount whose source is missing', async () => {
  const { reason } = await failure('unbound', `${IDLE}volumes: ["/no/such/folder:/data"]\n`);
  expect(reason).toContain('bind source path does not exist: /no/such/folder');
});

test('a foreign process on the published port is named', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  const { port } = server.address() as { port: number };
  try {
    const { reason } = await failure('squatted', `${IDLE}ports: ["${port}:80"]\n`);
    expect(reason).toMatch(new RegExp(`host port ${port}/tcp.*${process.pid}`));
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

test('a garbage assignment is said, changes nothing, and is mended by the coordinator', async () => {
  const before = await cluster.assignment();
  await cluster.coordinators[0]!.end('SIGTERM');
  await cluster.etcd.put(cluster.keys.assignment('h1'), '{"instances": 5}');
  const status = await until('the problem', async () => {
    const seen = await cluster.hostStatus();
    return seen?.problems.some(({ rule }) => rule === 'assignment-unreadable') === true ? seen : undefined;
  });
  expect(status.problems[0]).toMatchObject({ key: cluster.keys.assignment('h1'), path: 'instances' });
  expect(status.problems[0]!.message).toContain('number 5, but an object is wanted');
  await cluster.coordinators[0]!.start();
  await until('a readable one', async () => {
    const instances = (await cluster.assignment().catch(() => undefined))?.instances;
    return Object.keys(instances ?? {}).join() === Object.keys(before!.instances).join();
  });
  await until('no problem', async () => (await cluster.hostStatus())!.problems.length === 0);
}, 60_000);

test('a garbage release is said, and leaves its instances as they are', async () => {
  await cluster.coordinators[0]!.end('SIGTERM');
  const assignment = (await cluster.assignment())!;
  await cluster.etcd.put(cluster.keys.release('bystander', 9), '{"container": {"imag": "x"}}');
  const instances = Object.fromEntries(
    Object.entries(assignment.instances).map(([id, one]) => [id, { ...one, release: 9 }]),
  );
  await cluster.etcd.put(cluster.keys.assignment('h1'), JSON.stringify({ ...assignment, revision: 99, instances }));
  const status = await until('the problem', async () => {
    const seen = await cluster.hostStatus();
    return seen?.problems.find(({ rule }) => rule === 'release-unreadable') && seen;
  });
  expect(status.problems[0]!.message).toContain('container.imag: no such field; did you mean "image"?');
  await cluster.etcd.del(cluster.keys.release('bystander', 9));
  await cluster.coordinators[0]!.start();
  await until('no problem', async () => (await cluster.hostStatus())!.problems.length === 0);
}, 60_000);

test('an agent with the name of a live agent says so, touches nothing, and ends', async () => {
  const name = 'h1';
  const started = performance.now();
  await expect(cluster.addAgent(name, ['--state-dir', join(cluster.folder, 'second')])).rejects.toThrow(
    /another live agent has the host name "h1".*ended with 1|ended with 1: [\s\S]*another live agent has the host name "h1"/,
  );
  expect(performance.now() - started).toBeLessThan(60_000);
  cluster.agents.pop();
}, 60_000);

test('an agent with the state folder of a running one refuses', async () => {
  await expect(cluster.addAgent('h3', ['--state-dir', join(cluster.folder, 'h1')])).rejects.toThrow(
    /another agent is running with the state folder/,
  );
  cluster.agents.pop();
}, 60_000);

test('a configuration that can not be used ends a daemon with 64 and every problem', async () => {
  const { code, stderr } = await cluster.berth('agent', '--name', 'Bad_Name', '--lease-ttl', '1h');
  expect(code).toBe(64);
  expect(stderr).toContain('--name: "Bad_Name" is not a DNS label');
  expect(stderr).toContain('--lease-ttl: "1h" is not a duration');
});

test('apply refuses whole, with the line and a caret; nothing is written', async () => {
  const file = join(cluster.folder, 'compose.yaml');
  writeFileSync(
    file,
    'name: shop\nservices:\n  good:\n    image: a\n  bad:\n    image: a\n    ports:\n      - "99999:80"\n',
  );
  const { code, stderr } = await cluster.berth('apply', '-f', file);
  expect(code).toBe(2);
  expect(stderr).toContain(`${file}:8:9: bad ports[0]:`);
  expect(stderr).toContain('  8 |       - "99999:80"\n    |         ^');
  expect(await cluster.etcd.get(cluster.keys.service('good'))).toBeUndefined();
});

test('the coordinator away, and etcd away, are said clearly', async () => {
  const away = await cluster.berth('--coordinator', '127.0.0.1:1', 'ps');
  expect(away.code).toBe(1);
  expect(away.stderr).toContain('No coordinator answers at 127.0.0.1:1');
  cluster.etcd.pause();
  try {
    const file = join(cluster.folder, 'one.yaml');
    writeFileSync(file, 'name: shop\nservices: { one: { image: a } }\n');
    const { code, stderr } = await cluster.berth('apply', '-f', file);
    expect(code).toBe(1);
    expect(stderr).toContain('etcd did not take the change');
  } finally {
    cluster.etcd.resume();
  }
}, 60_000);
