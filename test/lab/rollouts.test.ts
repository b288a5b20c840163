/**
 * Three hosts, three members of etcd, two coordinators, and a client that never stops asking: what a rollout, a rollback, a
 * drain, and the loss of a host, a leader and a member look like from outside.
 */
import type { FailedRequest } from '../support/asking-client';
import type { CommandResult } from '../support/cluster';
import { until } from '../support/wait';
import { Lab } from './lab';
import { hostBecomes } from './seen';
import { startServiceClient, type ServiceClient } from './service-client';

/** For hangs, on a machine with far more to do than cores. */
const PATIENCE_MS = 90_000;
const TEST_MS = 240_000;
const REPLICAS = 3;

let lab: Lab;
let client: ServiceClient | undefined;
beforeAll(async () => {
  lab = await Lab.up({ hosts: 3, etcd: 3, coordinators: 2, leaseTtl: '3s' });
  await landed({ greeting: 'one' });
}, TEST_MS);
afterEach(async () => {
  await client?.stop();
  client = undefined;
});
afterAll(() => lab?.down(), TEST_MS);

interface Wish {
  readonly greeting: string;
  /** Ends at once with an error. */
  readonly crashes?: boolean;
}

function compose({ greeting, crashes = false }: Wish): string {
  return `services:
  web:
    image: berth-hello:1
    environment: { GREETING: ${greeting} }
    ${crashes ? 'command: ["/bin/busybox", "sh", "-c", "echo no way to go on; exit 3"]' : ''}
    ports: [{ name: http, target: 8080 }]
    stop_signal: SIGKILL
    deploy:
      replicas: ${REPLICAS}
      update_config: { parallelism: 1, monitor: 500ms, order: start-first }
    x-berth:
      probe: { http: { port: http }, interval: 500ms, timeout: 2s }
      drain: 1s
`;
}

const apply = (wish: Wish, coordinator = lab.made.coordinators[0]!): Promise<CommandResult> =>
  lab.berth(['apply', '-f', '-', '-p', 'lab', '--wait', '--timeout', '120'], { coordinator, input: compose(wish) });

async function landed(wish: Wish, coordinator?: string): Promise<void> {
  expect(await apply(wish, coordinator)).toMatchObject({ code: 0, stderr: '' });
}

async function startClient(): Promise<ServiceClient> {
  return (client = await startServiceClient(lab, 'web'));
}

const said = (asking: ServiceClient, greeting: string): number => asking.count(`${greeting}!`);

const failedElsewhere = (asking: ServiceClient, victim: string): readonly FailedRequest[] =>
  asking.failures.filter(({ url }) => !url.startsWith(`http://${lab.address(victim)}:`));

/** Settles when the client's newest answers are all of this greeting. */
async function onlySays(asking: ServiceClient, greeting: string): Promise<void> {
  let before = -1;
  const othersOf = (): number => asking.count() - said(asking, greeting);
  await until(
    `nothing but ${greeting}`,
    async () => {
      const others = othersOf();
      const isQuiet = others === before && said(asking, greeting) > 0;
      before = others;
      await new Promise((wake) => setTimeout(wake, 1000));
      return isQuiet && othersOf() === others;
    },
    PATIENCE_MS,
  );
}

function isLeader(versions: string): boolean {
  return (JSON.parse(versions) as { coordinator?: { leader: boolean } }).coordinator?.leader === true;
}

async function leader(): Promise<{ name: string; other: string }> {
  const answers = await Promise.all(
    lab.made.coordinators.map((coordinator) => lab.berth(['version', '--remote', '--json'], { coordinator })),
  );
  const index = answers.findIndex(({ stdout }) => isLeader(stdout));
  return { name: `c${index + 1}`, other: lab.made.coordinators[1 - index]! };
}

test(
  'G7, G8: no request fails through a start-first rollout, and through its rollback',
  async () => {
    const asking = await startClient();
    await landed({ greeting: 'two' });
    await onlySays(asking, 'two');
    expect((await lab.berth(['rollback', 'web', '--wait'])).code).toBe(0);
    await onlySays(asking, 'one');
    expect(asking.failures).toEqual([]);
  },
  TEST_MS,
);

test(
  'an image that crashes is rolled back by itself: exit 3, with its last words, and no request fails',
  async () => {
    const asking = await startClient();
    const { code, stdout, stderr } = await apply({ greeting: 'broken', crashes: true });
    expect(code).toBe(3);
    expect(stdout + stderr).toContain('no way to go on');
    expect(said(asking, 'broken') > 0).toBe(false);
    expect(asking.failures).toEqual([]);
    await landed({ greeting: 'one' });
  },
  TEST_MS,
);

test(
  'G7, G8: no request fails while a host is drained; afterwards it is empty, and gets its share again when it is asked to',
  async () => {
    const asking = await startClient();
    const { code, stdout, stderr } = await lab.berth(['drain', 'h2', '--wait', '--timeout', '120']);
    expect({ code, stdout, stderr }).toMatchObject({ code: 0 });
    expect(await lab.docker('h2', 'ps', '--quiet')).toBe('');
    expect((await lab.berth(['uncordon', 'h2'])).code).toBe(0);
    await landed({ greeting: 'three' });
    await onlySays(asking, 'three');
    expect(asking.failures).toEqual([]);
  },
  TEST_MS,
);

test(
  'a rollout goes on when its leader is killed in the middle, and no request fails',
  async () => {
    const asking = await startClient();
    const { name, other } = await leader();
    const rollout = landed({ greeting: 'four' }, other);
    await until('the first of the new ones', () => said(asking, 'four') > 0, PATIENCE_MS);
    await lab.kill('coordinator', name);
    await rollout;
    await onlySays(asking, 'four');
    await lab.start('coordinator', name);
    expect(asking.failures).toEqual([]);
  },
  TEST_MS,
);

test(
  'a rollout goes on when a member of etcd is killed in the middle, and no request fails',
  async () => {
    const asking = await startClient();
    const rollout = landed({ greeting: 'five' });
    await until('the first of the new ones', () => said(asking, 'five') > 0, PATIENCE_MS);
    await lab.kill('etcd', 'e1');
    await rollout;
    await onlySays(asking, 'five');
    await lab.start('etcd', 'e1');
    expect(asking.failures).toEqual([]);
  },
  TEST_MS,
);

test(
  'a host that dies: its instance runs elsewhere, requests fail on it alone, and back it has no second one of the slot',
  async () => {
    const asking = await startClient();
    const [victim] = asking.hosts();
    await lab.kill('host', victim!);
    await hostBecomes(lab, victim!, 'lost');
    const elsewhere = (): readonly string[] => asking.hosts().filter((host) => host !== victim);
    await until('three instances elsewhere', () => elsewhere().length === REPLICAS, PATIENCE_MS);
    expect(failedElsewhere(asking, victim!)).toEqual([]);
    await lab.start('host', victim!);
    await hostBecomes(lab, victim!, 'live');
    await until('three instances in all', async () => (await countOf()) === REPLICAS, PATIENCE_MS);
  },
  TEST_MS,
);

test(
  'a host that is cut off: its instance runs elsewhere, and back it has no second one of the slot',
  async () => {
    const asking = await startClient();
    const [victim] = asking.hosts();
    await lab.cutOff(victim!);
    const elsewhere = (): readonly string[] => asking.hosts().filter((host) => host !== victim);
    await until('three instances elsewhere', () => elsewhere().length === REPLICAS, PATIENCE_MS);
    expect(await lab.docker(victim!, 'ps', '--quiet')).not.toBe('');
    expect(failedElsewhere(asking, victim!)).toEqual([]);
    await lab.restore(victim!);
    await until('three instances in all', async () => (await countOf()) === REPLICAS, PATIENCE_MS);
  },
  TEST_MS,
);

test(
  'G4: a leader that slept past its lease commits nothing when it wakes, and the other one does what is to be done',
  async () => {
    const { name, other } = await leader();
    await lab.pause('coordinator', name);
    await landed({ greeting: 'six' }, other);
    const before = await lab.etcdctl('get', '--prefix', '/berth/', '-w', 'json');
    await lab.resume('coordinator', name);
    await until('it knows', async () => (await leader()).other !== other || (await leaders()) === 1, PATIENCE_MS);
    const changed = revisionsBut(await lab.etcdctl('get', '--prefix', '/berth/', '-w', 'json'), before);
    // What hosts say of themselves goes on.
    expect(changed.filter((key) => !/^\/berth\/(leader|status)\//.test(key))).toEqual([]);
  },
  TEST_MS,
);

async function leaders(): Promise<number> {
  const answers = await Promise.all(
    lab.made.coordinators.map((coordinator) => lab.berth(['version', '--remote', '--json'], { coordinator })),
  );
  return answers.filter(({ stdout }) => isLeader(stdout)).length;
}

/** @returns keys that are not as they were before */
function revisionsBut(after: string, before: string): readonly string[] {
  const read = (text: string): Map<string, number> =>
    new Map(
      (JSON.parse(text) as { kvs: { key: string; mod_revision: number }[] }).kvs.map(({ key, mod_revision }) => [
        Buffer.from(key, 'base64').toString(),
        mod_revision,
      ]),
    );
  const old = read(before);
  return [...read(after)].filter(([key, revision]) => old.get(key) !== revision).map(([key]) => key);
}

/** Containers of the service on every host. */
async function countOf(): Promise<number> {
  const listed = await Promise.all(
    lab.hosts.map((host) => lab.docker(host, 'ps', '--quiet', '--filter', 'label=berth.service=web')),
  );
  return listed.flatMap((text) => text.split('\n')).filter((id) => id !== '').length;
}
