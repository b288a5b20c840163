/**
 * The agent is killed at one boundary and, when it has started again, at another: every ordered pair, the same twice
 * included, at the second's first passing and at its next, which is in another instance. What was begun comes right each
 * time, and nothing is touched that is none of it (G1, G2).
 */
import { BOUNDARIES, type Boundary } from '../../agent/boundaries';
import type { MemoryContainer } from '../../agent/docker/simulated/memory-container';
import { hookOf } from '../support/desired';
import { Assigner, type Wish } from './assigner';
import { chanceOf } from './seeded-random';
import { SimulatedCluster } from './simulated-cluster';

const RESTART_MS = 300;
const TICK_MS = 500;
/** Backoff of a minute and a slow tick; a job that was begun and never started, twice. */
const CONVERGED_MS = 300_000;
const BYSTANDER = 'bystander';

const CHECK = { test: ['CMD', 'x'], intervalMs: 0, timeoutMs: 0, startPeriodMs: 0, startIntervalMs: 0, retries: 0 };
const wishOf = (image: string, memoryBytes: number): Wish => ({
  container: {
    ...{ image, healthCheck: CHECK, drainMs: 200, preStop: [hookOf('leave')], postStart: [hookOf('warm')] },
    limits: { nanoCpus: 0, memoryBytes, pids: 0 },
  },
});

class Crashes {
  readonly done: Boundary[] = [];
  private passed = 0;

  get areOver(): boolean {
    return this.done.length === this.plan.length;
  }

  constructor(
    cluster: SimulatedCluster,
    private readonly plan: readonly { readonly at: Boundary; readonly passing: number }[],
  ) {
    const host = cluster.hosts[0]!;
    host.onBoundary = (boundary) => {
      const next = this.plan[this.done.length];
      if (next?.at !== boundary || ++this.passed < next.passing) return;
      this.passed = 0;
      this.done.push(boundary);
      host.killAgent();
      cluster.clock.after(RESTART_MS, () => host.startAgent());
    };
  }
}

/** Everything that an instance goes through, of two at once, twice; or until the crashes are over and done with. */
async function live(cluster: SimulatedCluster, assigner: Assigner, crashes: Crashes): Promise<void> {
  for (const round of [1, 2])
    for (const act of roundOf(cluster, assigner, round)) {
      await act();
      await converge(cluster, assigner);
      if (crashes.areOver) return;
    }
}

function roundOf(
  cluster: SimulatedCluster,
  assigner: Assigner,
  round: number,
): readonly (() => Promise<void> | void)[] {
  const { docker } = cluster.hosts[0]!;
  const images = { one: `api:${round}`, other: `web:${1 + round}` };
  const ids: string[] = [];
  const edit = async (memoryBytes: number): Promise<void> => {
    for (const [service, image] of Object.entries(images)) await assigner.edit(service, wishOf(image, memoryBytes));
  };
  return [
    async () => {
      for (const image of Object.values(images)) docker.images.delete(image);
      await edit(0);
      ids.push(...Object.keys(images).map((service) => assigner.place(service)));
      for (const service of Object.keys(images)) assigner.placeJob(service);
      await assigner.commit();
    },
    () => ids.forEach((id) => docker.exit(containerOf(cluster, id)!.id, 1)),
    () => ids.forEach((id) => docker.setHealth(containerOf(cluster, id)!.id, 'unhealthy')),
    async () => {
      await edit(64 * 1024 ** 2);
      await assigner.commit();
    },
    async () => {
      ids.forEach((id) => assigner.instances.delete(id));
      assigner.jobs.clear();
      await assigner.commit();
    },
  ];
}

/** Lets time pass until each wanted instance has one container, healthy and with its limits, jobs have run, and nothing else is there. */
async function converge(cluster: SimulatedCluster, assigner: Assigner): Promise<void> {
  const { clock } = cluster;
  for (const endMs = clock.monotonicMs() + CONVERGED_MS; clock.monotonicMs() < endMs;) {
    await clock.advance(TICK_MS);
    if (isConverged(cluster, assigner)) return;
  }
  const left = [...cluster.hosts[0]!.docker.containers.values()].map(
    ({ request, state, health, limits, commands }) => ({ instance: request.instance, state, health, limits, commands }),
  );
  throw new Error(`it does not converge: ${JSON.stringify(left)}`);
}

function isConverged(cluster: SimulatedCluster, { instances, releases, jobs }: Assigner): boolean {
  if (cluster.hosts[0]!.process === undefined) return false;
  if (cluster.hosts[0]!.docker.containers.size !== instances.size + jobs.size) return false;
  if ([...jobs.keys()].some((id) => containerOf(cluster, id)?.state !== 'exited')) return false;
  return [...instances].every(([id, service]) => {
    const container = containerOf(cluster, id);
    const { limits, postStart } = releases.get(service)!.container;
    return (
      container?.state === 'running' &&
      container.health !== 'unhealthy' &&
      container.limits.memoryBytes === limits.memoryBytes &&
      container.commands.length >= postStart.length
    );
  });
}

function containerOf(cluster: SimulatedCluster, instance: string): MemoryContainer | undefined {
  return [...cluster.hosts[0]!.docker.containers.values()].find(({ request }) => request.instance === instance);
}

async function crashAt(first: Boundary, second: Boundary, passing: number): Promise<void> {
  const cluster = new SimulatedCluster({ chance: chanceOf(1), hosts: 1, coordinators: 0 });
  const assigner = new Assigner(cluster.etcd, cluster.hosts[0]!.name);
  await assigner.edit(BYSTANDER, { container: { image: 'web:1' } });
  const bystander = assigner.place(BYSTANDER);
  await assigner.commit();
  await converge(cluster, assigner);
  const { id, startedMs } = containerOf(cluster, bystander)!;
  const crashes = new Crashes(cluster, [
    { at: first, passing: 1 },
    { at: second, passing },
  ]);
  await live(cluster, assigner, crashes);
  expect(crashes.done).toEqual([first, second]);
  expect(containerOf(cluster, bystander)).toMatchObject({ id, startedMs });
  expect(cluster.witness.breaches).toEqual([]);
  cluster.end();
}

describe.each([1, 2])('at the second’s passing %d', (passing) => {
  test.each(BOUNDARIES)(
    'G1, G2: killed at %s, and then at each other boundary, it comes right',
    async (first) => {
      for (const second of BOUNDARIES)
        await crashAt(first, second, passing).catch((error: Error) => {
          throw new Error(`${first}, then ${second} at its passing ${passing}: ${error.message}`, { cause: error });
        });
    },
    120_000,
  );
});
