/** Three hosts and two or three coordinators: faults and edits by chance, then peace, in which all has to come right. */
import { isUp } from '../../agent/docker/simulated/memory-container';
import { compileService } from '../../coordinator/compose/compile';
import type { ConfigLayers } from '../../coordinator/view';
import { decodeDocument } from '../../lib/documents/codec';
import { DOCUMENT_FAULTS, GARBAGE_PAUSE, SERVICES } from './documents';
import { ETCD_FAULTS } from './etcd-faults';
import { actByChance } from './fault';
import { CONTAINER_FAULTS, HOST_FAULTS, removeForeign } from './host-faults';
import { endWishes, OPERATOR_FAULTS, releaseAlarms } from './operator-faults';
import { whatStirs } from './rest';
import { layersOf, mendLayers, wrongConfig } from './layers';
import type { Life } from './run-seed';
import { keys, type SimulatedCluster } from './simulated-cluster';
import { JOB_COMMAND } from './simulated-host';

const STEPS = 60;
const MAX_PAUSE_MS = 4000;
/** Backoff of a minute, a full list, a lease: all of that may have to pass. */
const PEACE_MS = 5 * 60_000;
const REPLACEMENT = 'image: web:1\ndeploy: { replicas: 2 }\n';
const FAULTS = [...DOCUMENT_FAULTS, ...OPERATOR_FAULTS, ...CONTAINER_FAULTS, ...HOST_FAULTS, ...ETCD_FAULTS];

export const CLUSTER_LIFE: Life = {
  hosts: 3,
  coordinators: 2,
  live: async (cluster, trace) => {
    const { chance, witness } = cluster;
    await cluster.clock.advance(2000);
    for (let step = 0; step < STEPS && witness.breaches.length === 0; step++) {
      trace(await actByChance(FAULTS, cluster));
      await cluster.clock.advance(chance.next() ** 2 * MAX_PAUSE_MS);
    }
    if (witness.breaches.length > 0) return [];
    trace('peace');
    await makePeace(cluster);
    await cluster.clock.advance(PEACE_MS);
    const wrong = whatIsWrong(cluster, await layersOf(cluster));
    if (wrong.length > 0) return wrong.map((what) => `after ${PEACE_MS / 60_000} min of peace: ${what}`);
    return whatStirs(cluster);
  },
};

/** Everything works again, everyone runs, and the operator wants what can be had. */
async function makePeace(cluster: SimulatedCluster): Promise<void> {
  let hasFixedPort = false;
  for (const [service, document] of [...cluster.documents]) {
    const wantsFixedPort = document.includes('8080:80');
    if (!canRun(service, document, cluster.documents) || (wantsFixedPort && hasFixedPort))
      cluster.documents.set(service, REPLACEMENT);
    else hasFixedPort ||= wantsFixedPort;
  }
  cluster.heal();
  for (const host of cluster.hosts) {
    removeForeign(host);
    for (const container of host.docker.containers.values()) {
      // Whoever paused it by hand unpauses it.
      if (container.state === 'paused') container.state = 'running';
      host.docker.setHealth(container.id, 'healthy');
    }
  }
  // The others end by themselves.
  const garbage = (await cluster.etcd.range({ prefix: keys.pauses })).kvs.filter(
    ({ value }) => value === GARBAGE_PAUSE,
  );
  for (const { key } of garbage) await cluster.etcd.txn({ compares: [], writes: [{ op: 'delete', key }] });
  await endWishes(cluster);
  await mendLayers(cluster);
  await applyAll(cluster);
  await endUnknown(cluster);
  await applyFailed(cluster);
}

/** An operator applies everything again, as after the loss of etcd. */
async function applyAll(cluster: SimulatedCluster): Promise<void> {
  for (const [service, document] of cluster.documents) await cluster.write(keys.service(service), document);
}

/** What failed by what is over now, a job that may have run or a call that hung for a minute, is not tried again by itself. */
async function applyFailed(cluster: SimulatedCluster): Promise<void> {
  for (const [service, document] of cluster.documents) {
    const [status] = (await cluster.etcd.range({ key: keys.serviceStatus(service) })).kvs;
    const rollout = status === undefined ? '' : decodeDocument('ServiceStatus', status.value).rollout;
    if (['failed', 'rolled-back'].includes(rollout)) await cluster.write(keys.service(service), document);
  }
}

/** What an operator does about instances that are held, because etcd lost their services: apply them, then remove them. */
async function endUnknown(cluster: SimulatedCluster): Promise<void> {
  await cluster.clock.advance(PEACE_MS / 5);
  const unknown = SERVICES.filter((service) => !cluster.documents.has(service));
  for (const service of unknown) await cluster.put(service, REPLACEMENT);
  await cluster.clock.advance(PEACE_MS / 5);
  for (const service of unknown) await cluster.delete(service);
  await cluster.clock.advance(1000);
  await releaseAlarms(cluster);
}

/** One fixed port has room for three instances on three hosts; what reserves much may find no room. */
function canRun(service: string, document: string, known: ReadonlyMap<string, string>): boolean {
  const compiled = compileService(service, document);
  if (!compiled.ok || !/^image: (web|api|stubborn)/.test(document)) return false;
  const { deploy, container } = compiled;
  // It would wait: for an operator, for a job that never ends, for a service that is not there or waits in turn.
  if (deploy.canary > 0 && !deploy.autoPromote) return false;
  if (deploy.before !== undefined && deploy.before.command[0] !== JOB_COMMAND) return false;
  if (deploy.waitsFor.some((needed) => needed >= service || !known.has(needed))) return false;
  if (deploy.restartPolicy.condition !== 'any' || deploy.restartPolicy.maxAttempts > 0) return false;
  if (deploy.reservations.memoryBytes > 0 || deploy.reservations.nanoCpus > 0) return false;
  return deploy.replicas <= 3 || container.ports.every(({ published }) => published === 0);
}

function whatIsWrong(cluster: SimulatedCluster, layers: ConfigLayers): readonly string[] {
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
    for (const { host, container: one } of found) wrong.push(...wrongConfig(one, document, host, layers));
    // With the digest that the release was cut with, or without one.
    const isCurrent = found.every((one) => one.container.request.container.image.split('@')[0] === container.image);
    if (!isCurrent || found.length !== wanted)
      wrong.push(
        `${service} wants ${wanted} of ${container.image} and has ${found.map(({ container: one }) => `${one.request.instance}=${one.request.container.image}`).join(', ') || 'none'}`,
      );
  }
  return wrong;
}
