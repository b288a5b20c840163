/** What a host without a coordinator is told to run, of all kinds: every part of a release that the agent looks at. */
import type { ContainerSpec, DeploySpec, Probe } from '../../lib/documents/types';
import { hookOf } from '../support/desired';
import type { Assigner, Wish } from './assigner';
import type { Fault } from './fault';
import type { Chance } from './seeded-random';
import type { SimulatedCluster } from './simulated-cluster';

export const SERVICES = ['api', 'job', 'web'];
const GOOD_IMAGES = ['web', 'api', 'stubborn'];
const BAD_IMAGES = ['crashing', 'done', 'broken', 'nowhere', 'sickly', 'badhook'];
/** Images that can run for good. */
const RUNNABLE = /^(web|api|stubborn):/;
const MIB = 1024 ** 2;
const MAX_INSTANCES = 12;
const MAX_PAUSE_MS = 60_000;

function containerBy(chance: Chance, service: string): Partial<ContainerSpec> {
  const port = { name: '', target: 80, protocol: 'tcp', hostIp: '' };
  const check = { test: ['CMD', 'x'], intervalMs: 0, timeoutMs: 0, startPeriodMs: 0, retries: 0 };
  return {
    image: `${chance.pick(chance.happens(0.75) ? GOOD_IMAGES : BAD_IMAGES)}:${1 + chance.below(3)}`,
    ports: chance.pick([
      [],
      [{ ...port, published: 0 }],
      [
        { ...port, published: 0 },
        { ...port, target: 81, published: 0 },
      ],
      [{ ...port, published: 8080 + SERVICES.indexOf(service) }],
    ]),
    ...(chance.happens(0.6) && { healthCheck: check }),
    limits: limitsBy(chance),
    drainMs: chance.pick([0, 0, 500, 3000]),
    postStart: chance.happens(0.3) ? [hookOf('warm')] : [],
    preStop: chance.happens(0.3) ? [hookOf('leave'), hookOf('really')] : [],
    environment: chance.happens(0.5) ? { LEVEL: '{{.Config.LEVEL}}' } : {},
    configEnvironment: chance.happens(0.2),
    pullPolicy: chance.pick(['', '', '', 'missing', 'missing', 'always', 'always', 'never']),
  };
}

function limitsBy(chance: Chance): ContainerSpec['limits'] {
  return {
    nanoCpus: chance.pick([0, 1e9, 8e9]),
    memoryBytes: chance.pick([0, 64, 256]) * MIB,
    pids: chance.pick([0, 50]),
  };
}

function probeBy(chance: Chance): Probe {
  const rules = { timeoutMs: 1000, startPeriodMs: chance.pick([0, 5000]), failures: 1 + chance.below(3), successes: 1 };
  return { tcp: { port: 80 }, intervalMs: 4000, ...rules };
}

function deployBy(chance: Chance): Partial<DeploySpec> {
  return {
    reservations: { nanoCpus: 0, memoryBytes: chance.pick([0, 16, 32]) * MIB, resources: {} },
    ...(chance.happens(0.25) && { probe: probeBy(chance) }),
    dependsOn: SERVICES.filter(() => chance.happens(0.2)),
    onDisconnect: { stopAfterMs: chance.pick([0, 0, 10_000]), replaceAfterMs: 0 },
    onUnhealthy: chance.pick(['', 'restart', 'withdraw']),
    restartPolicy: {
      condition: chance.pick(['any', 'any', 'any', 'on-failure', 'none']),
      ...{ delayMs: chance.pick([0, 0, 2000]), maxAttempts: chance.pick([0, 0, 2]), windowMs: 5000 },
    },
  };
}

const wishBy = (chance: Chance, service: string): Wish => ({
  container: containerBy(chance, service),
  deploy: deployBy(chance),
  config: { LEVEL: chance.pick(['info', 'debug']) },
});

/** One to three instances of each service, as chance wants them. */
export async function beginWith(assigner: Assigner, chance: Chance): Promise<void> {
  for (const service of SERVICES) {
    await assigner.edit(service, wishBy(chance, service));
    for (let count = 1 + chance.below(3); count > 0; count--) assigner.place(service);
  }
  await assigner.commit();
}

/** The same for every service from now on, with what can run for good: nothing else of the wishes changes. */
export async function makeRunnable(assigner: Assigner): Promise<void> {
  for (const [service, { container, deploy, config }] of [...assigner.releases]) {
    const isFixed = container.ports.some(({ published }) => published > 0);
    const [first, ...others] = [...assigner.instances].filter(([, of]) => of === service).map(([id]) => id);
    // One host port is for one instance.
    if (first !== undefined && isFixed) for (const id of others) assigner.instances.delete(id);
    const restartPolicy = { ...deploy.restartPolicy, condition: 'any', maxAttempts: 0 };
    const image = RUNNABLE.test(container.image) ? container.image : 'web:2';
    const pullPolicy = container.pullPolicy === 'never' ? '' : container.pullPolicy;
    await assigner.edit(service, {
      container: { ...container, image, pullPolicy },
      deploy: { ...deploy, restartPolicy },
      config,
    });
  }
  for (const service of assigner.releases.keys()) assigner.prefetch.add(service);
  for (const [id, { container }] of assigner.jobs) if (container.image.startsWith('nowhere')) assigner.jobs.delete(id);
  assigner.held.clear();
  assigner.pauses = [];
  await assigner.rewrite();
}

type Edit = (name: string, weight: number, act: (cluster: SimulatedCluster) => Promise<string> | string) => Fault;

/** @returns makes faults after which the host is told what was changed */
function editing(assigner: Assigner): Edit {
  return (name, weight, act) => ({
    name,
    weight,
    act: async (cluster) => {
      const what = await act(cluster);
      await assigner.commit();
      return what;
    },
  });
}

/** Changes that an operator makes, by way of the one who assigns. */
export function assignmentFaults(assigner: Assigner): readonly Fault[] {
  const edit = editing(assigner);
  const anyInstance = ({ chance }: SimulatedCluster): string =>
    assigner.instances.size === 0 ? 'web-1' : chance.pick([...assigner.instances.keys()]);
  return [
    ...wishFaults(assigner),
    edit('a new release', 10, async ({ chance }) => {
      const service = chance.pick(SERVICES);
      const wish = wishBy(chance, service);
      await assigner.edit(service, wish);
      return `${service} ${JSON.stringify(wish)}`;
    }),
    edit('other limits', 6, async ({ chance }) => {
      const service = chance.pick(SERVICES);
      const { container, deploy, config } = assigner.releases.get(service)!;
      const limits = limitsBy(chance);
      await assigner.edit(service, { container: { ...container, limits }, deploy, config });
      return `${service} ${JSON.stringify(limits)}`;
    }),
    edit('one more', 8, ({ chance }) =>
      assigner.instances.size >= MAX_INSTANCES ? 'enough' : assigner.place(chance.pick(SERVICES)),
    ),
    edit('one less', 6, (cluster) => {
      const id = anyInstance(cluster);
      assigner.instances.delete(id);
      return id;
    }),
    edit('held, or not', 2, (cluster) => {
      const id = anyInstance(cluster);
      if (!assigner.held.delete(id)) assigner.held.add(id);
      return id;
    }),
    edit('pause', 3, (cluster) => {
      const { chance, hosts } = cluster;
      const kind = chance.pick(['host', 'service', 'instance']);
      const name = { host: hosts[0]!.name, service: chance.pick(SERVICES) }[kind] ?? anyInstance(cluster);
      const untilMs = Math.floor(hosts[0]!.wallMs + chance.next() * MAX_PAUSE_MS);
      assigner.pauses = [...assigner.pauses, { kind, name, untilMs, reason: 'by chance', by: 'operator' }];
      return `${kind} ${name} until ${untilMs}`;
    }),
    edit('resume', 2, () => {
      assigner.pauses = [];
      return 'everything';
    }),
  ];
}

/** What else a coordinator asks of a host. */
function wishFaults(assigner: Assigner): readonly Fault[] {
  const edit = editing(assigner);
  return [
    edit('a job, or one less', 6, ({ chance }) => {
      const [id] = assigner.jobs.keys();
      if (id === undefined || chance.happens(0.6)) return assigner.placeJob(chance.pick(SERVICES));
      assigner.jobs.delete(id);
      return id;
    }),
    edit('config of the host', 3, ({ chance }) => {
      assigner.config = chance.pick<Assigner['config']>([{}, { LEVEL: 'debug' }, { OTHER: 'x' }]);
      return JSON.stringify(assigner.config);
    }),
    edit('prefetch, or not', 4, ({ chance }) => {
      const service = chance.pick(SERVICES);
      if (!assigner.prefetch.delete(service)) assigner.prefetch.add(service);
      return service;
    }),
    edit('what an image means', 4, ({ chance }) => {
      const [service, image] = [chance.pick(SERVICES), `${chance.pick(['web', 'api', 'nowhere'])}:1`];
      const { question = 0 } = assigner.questions.get(service) ?? {};
      if (!assigner.questions.delete(service) || chance.happens(0.5))
        assigner.questions.set(service, { image, question: question + 1 });
      return service;
    }),
  ];
}
