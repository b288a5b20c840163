/** One simulated life of a cluster: faults and edits by chance, then peace, in which all has to come right. */
import { isUp } from '../../agent/docker/memory-docker';
import { compileService } from '../../coordinator/compose/compile';
import type { KeyValue } from '../../lib/etcd/store';
import { FAULTS, SERVICES } from './faults';
import { chanceOf } from './seeded-random';
import { keys, SimulatedCluster } from './simulated-cluster';
import { Witness } from './witness';

const STEPS = 60;
const MAX_PAUSE_MS = 4000;
/** Backoff of a minute, a full list, a lease: all of that may have to pass. */
const PEACE_MS = 5 * 60_000;
const REPLACEMENT = 'image: web:1\ndeploy: { replicas: 2 }\n';
const REST_MS = 10 * 60_000;

export interface Outcome {
  /** What went against the guarantees; empty when all is well. */
  readonly breaches: readonly string[];
  /** What happened, line by line, and, when something is wrong, what stands in etcd at the end. */
  readonly trace: readonly string[];
}

export async function runSeed(seed: number): Promise<Outcome> {
  const chance = chanceOf(seed);
  const cluster = new SimulatedCluster(chance, 3);
  const witness = new Witness(cluster);
  const trace: string[] = [];
  const at = (): string => `${cluster.clock.monotonicMs().toFixed(0)} ms`;
  const total = FAULTS.reduce((sum, { weight }) => sum + weight, 0);
  await cluster.clock.advance(2000);
  for (let step = 0; step < STEPS && witness.breaches.length === 0; step++) {
    let turn = chance.below(total);
    const fault = FAULTS.find(({ weight }) => (turn -= weight) < 0)!;
    trace.push(`${at()}: ${fault.name}: ${await fault.act(cluster)}`);
    await cluster.clock.advance(chance.next() ** 2 * MAX_PAUSE_MS);
  }
  trace.push(`${at()}: peace`);
  const breaches = witness.breaches.length > 0 ? [...witness.breaches] : await comesRight(cluster, witness);
  if (breaches.length > 0) for (const { key, value } of await everything(cluster)) trace.push(`${key}: ${value}`);
  cluster.end();
  return { breaches, trace };
}

async function comesRight(cluster: SimulatedCluster, witness: Witness): Promise<readonly string[]> {
  await makePeace(cluster);
  await cluster.clock.advance(PEACE_MS);
  const wrong = [...witness.breaches, ...whatIsWrong(cluster)];
  if (wrong.length > 0) return wrong.map((what) => `after ${PEACE_MS / 60_000} min of peace: ${what}`);
  const before = snapshot(cluster);
  await cluster.clock.advance(REST_MS);
  if (snapshot(cluster) !== before) return [`not at rest: ${before} became ${snapshot(cluster)}`];
  const containers = containersOf(cluster);
  const calls = mutatingCalls(cluster);
  for (const host of cluster.hosts) {
    host.killAgent();
    host.startAgent();
  }
  await cluster.clock.advance(60_000);
  return containersOf(cluster) === containers && mutatingCalls(cluster) === calls
    ? []
    : [`G2: agents that started again touched containers: ${containers} became ${containersOf(cluster)}`];
}

async function everything({ etcd }: SimulatedCluster): Promise<readonly KeyValue[]> {
  return (await etcd.range({ prefix: keys.all })).kvs;
}

/** Everything works again, everyone runs, and the operator wants what can be had. */
async function makePeace(cluster: SimulatedCluster): Promise<void> {
  let hasFixedPort = false;
  for (const [service, document] of [...cluster.documents]) {
    const wantsFixedPort = document.includes('8080:80');
    if (!canRun(service, document) || (wantsFixedPort && hasFixedPort)) cluster.documents.set(service, REPLACEMENT);
    else hasFixedPort ||= wantsFixedPort;
  }
  for (const host of cluster.hosts) {
    host.docker.heal();
    for (const { id } of host.docker.containers.values()) host.docker.setHealth(id, 'healthy');
    host.startAgent();
    host.process?.store.faults.reconnect();
  }
  cluster.coordinators.forEach((one, index) => {
    if (one === undefined) cluster.startCoordinator(index);
    else one.process.store.faults.reconnect();
  });
  await cluster.applyAll();
  await endUnknown(cluster);
}

/** What an operator does about instances that are held, because etcd lost their services: apply them, then remove them. */
async function endUnknown(cluster: SimulatedCluster): Promise<void> {
  await cluster.clock.advance(PEACE_MS / 5);
  const unknown = SERVICES.filter((service) => !cluster.documents.has(service));
  for (const service of unknown) await cluster.put(service, REPLACEMENT);
  await cluster.clock.advance(PEACE_MS / 5);
  for (const service of unknown) await cluster.delete(service);
}

/** One fixed port has room for three instances on three hosts. */
function canRun(service: string, document: string): boolean {
  const compiled = compileService(service, document);
  if (!compiled.ok || !/^image: (web|api|stubborn)/.test(document)) return false;
  return compiled.deploy.replicas <= 3 || compiled.container.ports.every(({ published }) => published === 0);
}

function whatIsWrong(cluster: SimulatedCluster): readonly string[] {
  const wrong: string[] = [];
  const running = cluster.hosts.flatMap(({ name, docker, refusal }) => {
    if (refusal !== undefined) wrong.push(`the agent of ${name} gave up: ${refusal}`);
    return [...docker.containers.values()].map((container) => ({ host: name, container }));
  });
  for (const { host, container } of running)
    if (!isUp(container)) wrong.push(`${host}: ${container.request.instance} is ${container.state}`);
  for (const [service, document] of cluster.documents) {
    const compiled = compileService(service, document);
    if (!compiled.ok) continue;
    const { deploy, container } = compiled;
    const wanted = deploy.mode === 'global' ? cluster.hosts.length : deploy.replicas;
    const found = running.filter((one) => one.container.request.service === service);
    const isCurrent = found.every((one) => one.container.request.container.image === container.image);
    if (!isCurrent || found.length !== wanted)
      wrong.push(
        `${service} wants ${wanted} of ${container.image} and has ${found.map(({ container: one }) => `${one.request.instance}=${one.request.container.image}`).join(', ') || 'none'}`,
      );
  }
  return wrong;
}

function containersOf({ hosts }: SimulatedCluster): string {
  return hosts
    .flatMap(({ name, docker }) =>
      [...docker.containers.values()].map(
        ({ id, request, state }) => `${name}/${request.instance}/${id.slice(0, 8)}=${state}`,
      ),
    )
    .sort()
    .join(' ');
}

function mutatingCalls({ hosts }: SimulatedCluster): number {
  return hosts.reduce((sum, { docker }) => sum + docker.mutatingCalls, 0);
}

/** What stays the same while nothing happens. */
function snapshot(cluster: SimulatedCluster): string {
  return `revision ${cluster.etcd.revision}, ${mutatingCalls(cluster)} changing calls, ${containersOf(cluster)}`;
}
