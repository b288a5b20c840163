/** The agent process is killed at every boundary between two of its effects, and started again. G2. */
import { BOUNDARIES, type Boundary } from '../../agent/boundaries';
import { hookOf } from '../support/desired';
import { CrashingHost, type Wish } from '../support/crashing-host';
import { docker } from '../support/docker';
import { ensureTestImage } from '../support/docker-images';
import { startEtcd, type EtcdServer } from '../support/etcd-server';
import { startPlainRegistry, type PlainRegistry } from '../support/plain-registry';

type Kind = Boundary extends `${infer Before}.${string}` ? Before : never;

/** How one instance brings the agent past the boundaries of a kind. */
interface Way {
  /** The instance before; absent: it is new. */
  readonly before?: Wish;
  readonly provoke: (host: CrashingHost, instance: string, boundary: Boundary) => Promise<unknown>;
  /** Whether the instance is gone in the end. */
  readonly isLeaving?: true;
  /** How long it may take until all is as it should be. */
  readonly withinMs?: number;
  /** @throws Error when what the boundary belongs to was lost in the crash */
  readonly check?: (id: string) => Promise<void>;
}

const LANES = 3;
const LIMITS = { nanoCpus: 500_000_000, memoryBytes: 64 * 1024 ** 2, pids: 33 };
const CHECK = { intervalMs: 200, timeoutMs: 10_000, startPeriodMs: 0, startIntervalMs: 0, retries: 1 };

const assign: Way['provoke'] = (host, instance) => host.want(instance, {});
const unassign: Way['provoke'] = (host, instance) => host.want(instance, undefined);
const kill: Way['provoke'] = async (host, instance) => docker('kill', await host.idOf(instance));

let etcd: EtcdServer;
let registry: PlainRegistry;
let image: string;
beforeAll(async () => {
  [etcd, registry, image] = await Promise.all([startEtcd(), startPlainRegistry(), ensureTestImage()]);
}, 60_000);
afterAll(() => Promise.all([etcd.stop(), registry.stop()]), 60_000);

/** Every kind has its way, or this does not compile. */
const WAYS: Readonly<Record<Kind, Way>> = {
  pull: {
    provoke: async (host, instance, boundary) =>
      host.want(instance, { container: { image: await registry.offer(image, `crash:${boundary}`) } }),
  },
  create: { provoke: assign },
  // The next agent waits until it can't have been started after all.
  job: { provoke: (host, instance) => host.want(instance, { isJob: true }), withinMs: 150_000 },
  start: { before: {}, provoke: kill },
  post_start: {
    provoke: (host, instance) => host.want(instance, { container: { postStart: [hookOf('touch', '/tmp/warm')] } }),
    check: async (id) => void (await docker('exec', id, 'test', '-f', '/tmp/warm')),
  },
  update: {
    before: {},
    provoke: (host, instance) => host.want(instance, { container: { limits: LIMITS } }),
    check: async (id) => {
      const format = '{{.HostConfig.NanoCpus}} {{.HostConfig.Memory}} {{.HostConfig.PidsLimit}}';
      expect(await docker('inspect', '--format', format, id)).toBe(Object.values(LIMITS).join(' '));
    },
  },
  restart: {
    before: { container: { healthCheck: { ...CHECK, test: ['CMD', 'test', '!', '-f', '/tmp/sick'] } } },
    provoke: async (host, instance) => docker('exec', await host.idOf(instance), 'touch', '/tmp/sick'),
  },
  drain: {
    before: { container: { drainMs: 300, preStop: [hookOf('touch', '/tmp/left')] } },
    provoke: unassign,
    isLeaving: true,
  },
  withdraw: { before: {}, provoke: unassign, isLeaving: true },
  stop: { before: {}, provoke: unassign, isLeaving: true },
  remove: { before: {}, provoke: unassign, isLeaving: true },
  status: { provoke: assign },
  'desired-copy': { provoke: assign },
  'memory-copy': { before: {}, provoke: kill },
  // Notes which release the host is to run.
  'image-notes': { provoke: assign },
};
/** At these, what runs is as it is wanted, or can be made so without a restart. */
const KEEPS: readonly string[] = ['post_start', 'update', 'status', 'desired-copy', 'memory-copy', 'image-notes'];

async function crashAt(host: CrashingHost, boundary: Boundary): Promise<void> {
  const [kind, when] = boundary.split('.') as [Kind, string];
  const { before, provoke, isLeaving, check, withinMs } = WAYS[kind];
  const instance = host.instanceOf(boundary.replace('.', '-').toLowerCase());
  if (before !== undefined) await host.want(instance, before);
  await host.converged();
  const others = await host.runs();
  host.arm(boundary);
  await provoke(host, instance, boundary);
  await host.killed(boundary);
  await host.checkCopies();
  const atCrash = (await host.runs()).get(instance);
  await host.start();
  await host.converged(withinMs);
  await host.published();
  const after = await host.runs();
  for (const [other, run] of others) if (other !== instance) expect([other, after.get(other)]).toEqual([other, run]);
  expect(after.has(instance)).toBe(isLeaving !== true);
  const isKept = isLeaving !== true && (when === 'after' || KEEPS.includes(kind));
  if (isKept && atCrash?.endsWith('running') === true) expect(after.get(instance)).toBe(atCrash);
  await check?.(await host.idOf(instance));
  await host.checkCopies();
  await host.want(instance, undefined);
}

test('every boundary is on one of the lanes', () => {
  expect(BOUNDARIES.length).toBeGreaterThan(20);
  expect(new Set(BOUNDARIES.map((boundary) => boundary.split('.')[0]))).toEqual(new Set(Object.keys(WAYS)));
});

test.concurrent.each(Array.from({ length: LANES }, (_, lane) => lane))(
  'G2: killed at each boundary in turn, the agent converges, with no double, no lost and no other container touched (lane %d)',
  async (lane) => {
    const host = new CrashingHost(etcd, image);
    try {
      await host.wantAll({ [host.instanceOf('one')]: {}, [host.instanceOf('other')]: {} });
      await host.start();
      for (const boundary of BOUNDARIES.filter((_, index) => index % LANES === lane)) {
        try {
          await crashAt(host, boundary);
        } catch (error) {
          throw new Error(`${boundary}: ${(error as Error).message}`, { cause: error });
        }
      }
    } finally {
      await host.stop();
    }
  },
  500_000,
);
