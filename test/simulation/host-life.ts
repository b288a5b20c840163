/**
 * One host without a coordinator, told directly what to run, in every way that a release can say it: storms of faults,
 * lulls in which a new instance has to come up though others still fail and hang (G6), then peace.
 */
import { wantedLimits, limitsToUpdate } from '../../agent/plan/limits';
import { decodeDocument } from '../../lib/documents/codec';
import { effectiveConfig } from '../../lib/release/config';
import { isMadeFrom } from '../../lib/release/spec-hash';
import { Assigner } from './assigner';
import { CAPACITY } from './assignment-witness';
import { assignmentFaults, beginWith, makeRunnable } from './assignments';
import { ETCD_FAULTS } from './etcd-faults';
import { actByChance } from './fault';
import { CONTAINER_FAULTS, HOST_FAULTS, removeForeign, WELL } from './host-faults';
import { whatStirs } from './rest';
import type { Life } from './run-seed';
import { keys, type SimulatedCluster } from './simulated-cluster';

const STORMS = 4;
const STEPS = 15;
const MAX_PAUSE_MS = 4000;
/** After this, calls that hung in the storm have come to their deadlines, and etcd and Docker were tried again. */
const CALM_MS = 45_000;
/** From wanted to running, pull included, while others on the host hang. */
const PROMPT_MS = 10_000;
const PEACE_MS = 5 * 60_000;

export const HOST_LIFE: Life = {
  hosts: 1,
  coordinators: 0,
  live: async (cluster, trace) => {
    const { chance, witness, clock } = cluster;
    const assigner = new Assigner(cluster.etcd, cluster.hosts[0]!.name);
    await beginWith(assigner, chance);
    await assigner.edit(WELL, { container: { image: 'web:1' } });
    const edits = assignmentFaults(assigner);
    const faults = [...edits, ...CONTAINER_FAULTS, ...HOST_FAULTS, ...ETCD_FAULTS];
    for (let storm = 0; storm < STORMS; storm++) {
      for (let step = 0; step < STEPS && witness.breaches.length === 0; step++) {
        trace(await actByChance(faults, cluster));
        await clock.advance(chance.next() ** 2 * MAX_PAUSE_MS);
      }
      if (witness.breaches.length === 0) await lull(cluster, assigner, trace);
    }
    if (witness.breaches.length > 0) return [];
    trace('peace');
    await makePeace(cluster, assigner);
    const job = assigner.placeJob(WELL);
    await assigner.commit();
    await clock.advance(PEACE_MS);
    if (witness.runsOf(job) !== 1) return [`the job ${job} has run ${witness.runsOf(job)} times`];
    const wrong = [...whatIsWrong(cluster, assigner), ...(await whatIsUnanswered(cluster, assigner))];
    if (wrong.length > 0) return wrong.map((what) => `after ${PEACE_MS / 60_000} min of peace: ${what}`);
    return whatStirs(cluster);
  },
};

/** What befalls the whole host is over; what befalls single instances goes on. */
async function lull(cluster: SimulatedCluster, assigner: Assigner, trace: (line: string) => void): Promise<void> {
  const { chance, clock, witness } = cluster;
  const host = cluster.hosts[0]!;
  trace('lull');
  host.docker.heal();
  host.faults.heal({ ofInstances: false });
  host.isDiskFull = false;
  host.startAgent();
  host.process?.store.faults.reconnect();
  assigner.pauses = assigner.pauses.filter(({ kind }) => kind !== 'host');
  await assigner.rewrite();
  await clock.advance(CALM_MS);
  const id = assigner.place(WELL);
  await assigner.commit();
  for (const endMs = clock.monotonicMs() + PROMPT_MS; clock.monotonicMs() < endMs;) {
    if (chance.happens(0.3)) trace(await actByChance(CONTAINER_FAULTS_OF_OTHERS, cluster));
    await clock.advance(1000);
  }
  const isUp = [...host.docker.containers.values()].some(
    ({ request, state }) => request.instance === id && state === 'running',
  );
  if (!isUp) witness.breach(`G6: ${id} was wanted ${PROMPT_MS / 1000} s ago, and does not run`);
  assigner.instances.delete(id);
}
const CONTAINER_FAULTS_OF_OTHERS = CONTAINER_FAULTS.filter(({ name }) => name.startsWith('calls for one'));

async function makePeace(cluster: SimulatedCluster, assigner: Assigner): Promise<void> {
  cluster.heal();
  for (const host of cluster.hosts) {
    removeForeign(host);
    for (const container of host.docker.containers.values()) {
      // Whoever paused it by hand unpauses it.
      if (container.state === 'paused') container.state = 'running';
      host.docker.setHealth(container.id, 'healthy');
    }
  }
  await makeRunnable(assigner);
}

/** Each wanted instance runs once, as it is wanted, limits included; and nothing else is there. */
function whatIsWrong({ hosts }: SimulatedCluster, assigner: Assigner): readonly string[] {
  const { instances, releases, jobs, config } = assigner;
  const { docker, refusal } = hosts[0]!;
  const containers = [...docker.containers.values()];
  const wrong = refusal === undefined ? [] : [`the agent gave up: ${refusal}`];
  for (const { request } of containers)
    if (!instances.has(request.instance) && !jobs.has(request.instance))
      wrong.push(`${request.instance} is there, and not wanted`);
  for (const { container } of releases.values())
    if (!docker.images.has(container.image)) wrong.push(`${container.image} is not there ahead of need`);
  for (const [id, service] of instances) {
    const release = releases.get(service)!;
    const [container, ...others] = containers.filter(({ request }) => request.instance === id);
    if (container?.state !== 'running' || others.length > 0)
      wrong.push(`${id} is ${container?.state ?? 'not there'}, with ${others.length} others`);
    else if (!isMadeFrom(container.request.spec, release.container, effectiveConfig(release.config, config)))
      wrong.push(`${id} is of an old release`);
    else if (limitsToUpdate(wantedLimits(release), container.limits, CAPACITY) !== undefined)
      wrong.push(`${id} has the limits ${JSON.stringify(container.limits)}`);
  }
  return wrong;
}

/** A question is asked once, so that its answer may be what went wrong then. */
async function whatIsUnanswered(
  { etcd, hosts }: SimulatedCluster,
  { questions }: Assigner,
): Promise<readonly string[]> {
  const { docker, name } = hosts[0]!;
  const { value = '' } = (await etcd.range({ key: keys.status(name) })).kvs[0] ?? {};
  const { resolved } = decodeDocument('HostStatus', value);
  const names = new Set([...questions.keys(), ...Object.keys(resolved)]);
  const wrong = [...names].filter((service) => {
    const [asked, said] = [questions.get(service), resolved[service]];
    if (asked === undefined || said === undefined || asked.question !== said.question) return true;
    if (said.digest === '') return said.problem === '';
    return !docker.offers(asked.image) || said.digest !== docker.digestOf(asked.image);
  });
  return wrong.map((service) => `asked ${JSON.stringify(questions.get(service))}, it says ${JSON.stringify(resolved)}`);
}
