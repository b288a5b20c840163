/** The operator's commands on real coordinators and a real etcd; the hosts have no Docker, and do at once what they are told. */
import { HollowCluster } from '../support/hollow-cluster';
import { until } from '../support/wait';

let cluster: HollowCluster;
beforeAll(async () => {
  cluster = await HollowCluster.start();
  for (const agent of cluster.agents.values()) agent.broken.add('web:bad');
}, 60_000);
afterAll(() => cluster.stop(), 60_000);

const file = (image: string, replicas = 3): string =>
  `name: shop\nservices:\n  web:\n    image: ${image}\n    deploy: { replicas: ${replicas}, update_config: { monitor: 500ms } }\n`;

/** @returns what was printed, by a command that has to succeed */
async function done(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await cluster.berth(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

async function json(...args: readonly string[]): Promise<Record<string, unknown>> {
  return JSON.parse(await done(...args, '--json')) as Record<string, unknown>;
}

const applied = (text: string, ...args: readonly string[]) =>
  cluster.berth('apply', '-f', cluster.file('compose.yaml', text), '--wait', ...args);
/** Instances of each host, sorted. */
const spread = async (): Promise<readonly string[]> =>
  ((await json('ps', 'web'))['instances'] as { host: string }[]).map(({ host }) => host).sort();

test('a release lands, the next one fails and goes back with exit code 3 and its last words, and is tried again', async () => {
  expect(await applied(file('web:1'))).toMatchObject({ code: 0, stdout: expect.stringMatching(/ s: web @1 3\/3\n$/) });
  const failed = await applied(file('web:bad'));
  expect(failed.code).toBe(3);
  expect(failed.stderr).toMatch(
    /^web@2 failed and was rolled back to @1: web-\d-\w+ on h\d: exited with code 3\n {2}web-\d-\w+ on h\d: .*exited with code 3\n {4}\| no config\n {4}\| giving up\n"berth why web" tells more\.\n$/,
  );
  const again = await applied(file('web:bad'));
  expect(again).toMatchObject({ code: 3, stdout: expect.stringMatching(/^web {3}retried\n/) });
  expect(await applied(file('web:2'))).toMatchObject({ code: 0, stdout: expect.stringMatching(/ s: web @3 3\/3\n$/) });
}, 60_000);

test('why: a service, an instance, and what has no place', async () => {
  expect(await done('why', 'web')).toMatch(
    /^web +@3, steady, 3 of 3 run\ndocument +accepted, written by \S+@\S+ at .*\n@3 +web:2, .*\n +@3 is unpinned: .* no registry knows web:2\n\nINSTANCE .*\n(web-\d-.*\n){3}$/,
  );
  const [{ id }] = (await json('ps', 'web'))['instances'] as [{ id: string }];
  expect(await done('why', id)).toMatch(
    new RegExp(`^instance +${id}, slot 1 of web@3\\nservice +@3, steady, 3 of 3 run\\n`),
  );
  await cluster.etcd.put(
    cluster.keys.service('big'),
    'image: a\ndeploy: { resources: { reservations: { memory: 9G } } }\n',
  );
  await until('big to be read', async () => (await done('services')).includes('no place for'));
  expect(await done('why', 'big')).toMatch(/\nNo place for 1 of 1\. To one more, hosts say:\n {2}h1, h2, h3: .*memory/);
  await cluster.etcd.put(cluster.keys.service('big'), 'imag: a\n');
  await until('its refusal', async () => / refused /.test(await done('services')));
  expect(await done('why', 'big')).toMatch(
    /^big +refused; .*\n.*mend the document and apply it\ndocument +refused\n +line 1:1 imag: .*\[unknown-key\]\n/,
  );
  await done('rm', 'big');
  expect(await done('alarms')).toBe('No alarms.\n');
}, 60_000);

test('endpoints: where instances answer, what is not published, and what is no endpoint', async () => {
  const [one, two] = (await json('ps', 'web'))['instances'] as { id: string; host: string }[];
  const { keys, etcd } = cluster;
  const endpoint = {
    host: '10.0.0.1',
    hostName: one!.host,
    port: 20001,
    ports: { http: 20001 },
    release: 3,
    weight: 100,
  };
  await etcd.put(keys.endpoint('web', one!.id), JSON.stringify(endpoint));
  expect(await done('endpoints', 'web')).toMatch(
    new RegExp(
      `^SERVICE .*\\nweb +${one!.id} +${one!.host} +10.0.0.1:20001 +http=20001 +@3 +100\\n\\nNot published:\\nSERVICE .*\\nweb +${two!.id} +${two!.host} +@3 +it runs and .* not published it yet\\n`,
    ),
  );
  await etcd.put(keys.endpoint('web', 'web-9-bad'), 'garbage');
  expect(await cluster.berth('endpoints', 'wbe', 'web', '--json')).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('"doubt": ""'),
    stderr: expect.stringMatching(/web-9-bad is no endpoint.*\[json-syntax\]\nThere is no service "wbe"\.\n$/),
  });
  for (const id of [one!.id, 'web-9-bad']) await etcd.del(keys.endpoint('web', id));
}, 60_000);

test('history and rollback: back, forward, and to what is gone', async () => {
  const history = await done('history', 'web');
  expect(history).toMatch(/^RELEASE .*\n@3 .* web:2 .* current .*\n@2 .* web:bad .* never whole .*\n@1 .* web:1 /);
  expect(await done('rollback', 'web', '--wait')).toMatch(
    /^web goes back from @3 to @1\.\n(.*\n)* .* s: web @1 3\/3\n$/,
  );
  expect(await done('history', 'web')).toMatch(/\n@1 .* current .*\n\n@1 instead of @3, asked for by \S+@\S+ at /);
  expect(await cluster.berth('rollback', 'web', '--to', '9')).toMatchObject({
    ...{ code: 2, stderr: 'There is no web@9 yet. There are @3, @2, @1; "berth history web" says what is in them.\n' },
  });
  const unchanged = await applied(file('web:2'));
  expect(unchanged).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('"berth rollback web --to 3" goes forward again'),
  });
  await done('rollback', 'web', '--to', '3', '--wait');
}, 60_000);

test('redeploy: a tag that moved, one that did not, one that nobody knows, and all anew by force', async () => {
  const ids = async (): Promise<readonly string[]> =>
    ((await json('ps', 'web'))['instances'] as { id: string }[]).map(({ id }) => id).sort();
  const before = await ids();
  const unknown = await cluster.berth('redeploy', 'web');
  expect(unknown).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^No host could say what web:2 means now: /),
  });
  const [A, B] = ['a', 'b'].map((letter) => `sha256:${letter.repeat(64)}`) as [string, string];
  const moved = (digest: string): void => {
    for (const agent of cluster.agents.values()) agent.digests.set('web:2', digest);
  };
  moved(A);
  expect(await done('redeploy', 'web', '--wait', '--reason', 'new base')).toMatch(
    new RegExp(`(^|\\n)web@4 is cut: web:2 means ${A} now\\.\\n(.*\\n)* .* s: web @4 3/3\\n$`),
  );
  const pinned = await ids();
  expect(pinned.filter((id) => before.includes(id))).toEqual([]);
  expect(await done('redeploy', 'web', '--wait')).toMatch(
    new RegExp(`web:2 still means ${A}, as in web@4\\. "berth redeploy web --force" makes every instance anew\\.\\n$`),
  );
  expect(await ids()).toEqual(pinned);
  expect(await json('redeploy', 'web', '--force', '--wait')).toMatchObject({
    outcome: 'released',
    release: 5,
    digest: A,
  });
  expect((await ids()).filter((id) => pinned.includes(id))).toEqual([]);
  moved(B);
  expect(await json('redeploy', 'web', '--wait')).toMatchObject({ release: 6, digest: B, before: A });
  expect(await done('history', 'web')).toMatch(
    /\n@5 was redeployed by force, by \S+@\S+\n@4 was redeployed: new base, by /,
  );
  await done('freeze', 'web');
  expect(await cluster.berth('redeploy', 'web', '--force')).toMatchObject({ code: 2 });
  expect(await cluster.berth('rm', 'web')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/Nothing was removed\.\n$/),
  });
  await done('unfreeze', 'web');
}, 60_000);

test('scale, in the document’s own text; a frozen service waits for its end', async () => {
  await done('freeze', 'web', '--reason', 'audit');
  expect(await cluster.berth('scale', 'web=5')).toMatchObject({
    ...{
      code: 0,
      stdout: 'web   3 → 5\n',
      stderr: expect.stringMatching(/^Warning: web: frozen by .*: audit; "berth unfreeze web" ends it\n$/),
    },
  });
  expect(await cluster.berth('rollback', 'web')).toMatchObject({ code: 2 });
  expect(await spread()).toHaveLength(3);
  await done('unfreeze', 'web');
  await done('scale', 'web=5', '--wait');
  expect(await spread()).toHaveLength(5);
  expect(await cluster.etcd.get(cluster.keys.service('web'))).toMatch(/replicas: 5\n/);
  await done('scale', 'web=3', '--wait');
}, 60_000);

test('what is planned is what is applied, and only as long as nothing else changed', async () => {
  const path = cluster.file('compose.yaml', file('web:3', 4));
  const planned = await done('plan', '-f', path);
  expect(planned).toMatch(/^web +updated +@\d+ \(new\) +3 → 4 +container\.image, deploy\.replicas\n/);
  expect(planned).toMatch(/\n1 instance created, 3 replaced\.\nNothing was written\./);
  const at = /--at (\S+)\n$/.exec(planned)![1]!;
  await done('cordon', 'h1');
  const refused = await applied(file('web:3', 4), '--at', at);
  expect(refused).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/^The cluster is not what it was at the plan; .*plan again\.\n$/),
  });
  await done('uncordon', 'h1');
  expect(await applied(file('web:3', 4), '--at', at)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/ 4\/4\n$/),
  });
  expect(await done('plan', '-f', path)).toMatch(/^web +unchanged .*\n\nNo instance would change\.\n$/);
  await done('scale', 'web=3', '--wait');
}, 60_000);

test('drain --wait empties a host, and warns at the last one, where everything stays', async () => {
  const drained = await done('drain', 'h1', '--wait', '--timeout', '30', '--reason', 'new disk');
  expect(drained).toMatch(
    /^h1 is draining: .*\n( {2}.*\n)*h1 is empty\. It gets nothing until "berth uncordon h1"\.\n$/,
  );
  expect(await spread()).not.toContain('h1');
  expect(await done('hosts')).toMatch(/\nh1 +draining .*\n(.*\n)*\nh1: draining by \S+@\S+: new disk\n$/);
  await done('cordon', 'h2');
  const last = await cluster.berth('drain', 'h3', '--wait', '--timeout', '2');
  expect(last).toMatchObject({
    code: 4,
    stderr: expect.stringMatching(/^Warning: no host is left .*\nh3 is not empty yet/),
  });
  expect(last.stdout).toMatch(/ can not move: /);
  for (const host of ['h1', 'h2', 'h3']) await done('uncordon', host);
}, 60_000);

test('a lost host is shown with since when, and is forgotten; a live one is refused', async () => {
  expect(await cluster.berth('hosts', 'rm', 'h2')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('berth drain h2 --wait'),
  });
  cluster.agents.get('h2')!.die();
  await until('h2 to be lost', async () => / lost \d/.test(await done('hosts')), 20_000);
  expect(await done('host', 'rm', 'h2')).toMatch(/^h2 is forgotten/);
  expect(await done('hosts')).not.toContain('h2');
  await until('its instances elsewhere', async () => (await spread()).length === 3, 20_000);
  expect(await cluster.etcd.ctl(['get', '--prefix', '--keys-only', cluster.keys.host('h2')])).toBe('');
}, 60_000);

test('rm --wait ends when the last instance is gone', async () => {
  const said = await done('rm', 'web', '--wait');
  expect(said).toMatch(/^web removed\nIts instances are being stopped, .*\n(.*\n)* +\d+\.\d s: nothing is left\n$/);
  expect(await json('ps')).toMatchObject({ instances: [] });
}, 60_000);
