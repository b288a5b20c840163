/** Each rule that a host has to pass: whom it lets in, and what it says of whom it does not. */
import { emptyDocument } from '../../../lib/documents/codec';
import type { ContainerSpec, DeploySpec, HostRecord, Mount, Release } from '../../../lib/documents/types';
import type { HostView, Placement } from '../../view';
import { Tally } from '../usage';
import { fits, whyNot } from '.';

const MIB = 1024 ** 2;
const empty = emptyDocument('Release');

function release(deploy: Partial<DeploySpec> = {}, container: Partial<ContainerSpec> = {}, service = 'web'): Release {
  return {
    ...{ ...empty, service, number: 1 },
    deploy: { ...empty.deploy, mode: 'replicated', ...deploy },
    container: { ...empty.container, ...container },
  };
}

const reserving = (reservations: Partial<DeploySpec['reservations']>): Release =>
  release({ reservations: { ...empty.deploy.reservations, ...reservations } });

function mount(change: Partial<Mount>): Mount {
  const none = { readOnly: false, tmpfsSizeBytes: 0, tmpfsMode: 0, noCopy: false, createHostPath: false };
  const plain = { propagation: '', nonRecursive: false, volumeDriver: '', volumeDriverOptions: {}, volumeLabels: {} };
  const rest = { volumeSubpath: '', volumeExternal: false };
  return { ...none, ...plain, ...rest, type: 'volume', source: 'data', target: '/data', ...change };
}

const record: HostRecord = {
  ...emptyDocument('HostRecord'),
  ...{ os: 'linux', arch: 'x86_64', labels: { zone: 'a' } },
  capacity: { nanoCpus: 2e9, memoryBytes: 1024 * MIB, resources: { licence: 2 } },
};
const HOST: HostView = {
  ...{ name: 'h1', isLive: true, assignmentRevision: 0, isAssignmentGarbage: false, record },
  status: { ...emptyDocument('HostStatus'), volumes: ['shared'] },
};
const port = { name: '', target: 80, published: 80, protocol: 'tcp', hostIp: '' };
const external = mount({ source: 'shared', volumeExternal: true });
const intent = emptyDocument('HostIntent');

/** What is there already: one instance of each of these. */
function there(...releases: readonly Release[]): Tally {
  const usage = new Tally();
  releases.forEach((one, at) => {
    const { service, number } = one;
    const id = `${service}-${at + 1}`;
    const placement: Placement = { id, host: 'h1', service, slot: at + 1, release: number, ...PLAIN };
    usage.take(placement, one);
  });
  return usage;
}
const PLAIN = { isReported: false, config: {}, isBefore: false };

const ROWS: readonly (readonly [string, Release, Partial<HostView>, readonly Release[], string | undefined])[] = [
  ['nothing is asked', release(), {}, [], undefined],
  ['lost', release(), { isLive: false }, [], 'lost: its agent does not renew its lease'],
  ['cordoned', release(), { intent: { ...intent, schedulable: false } }, [], 'cordoned'],
  ['draining', release(), { intent: { ...intent, drain: true } }, [], 'draining'],
  ['a label that is so', release({ constraints: ['node.labels.zone == a'] }), {}, [], undefined],
  [
    'a label that is not',
    release({ constraints: ['node.labels.zone != a'] }),
    {},
    [],
    'does not satisfy node.labels.zone != a',
  ],
  [
    'one constraint of two',
    release({ constraints: ['node.hostname == h1', 'node.labels.disk == ssd'] }),
    {},
    [],
    'does not satisfy node.labels.disk == ssd',
  ],
  ['another name', release({ constraints: ['node.hostname == h2'] }), {}, [], 'does not satisfy node.hostname == h2'],
  [
    'its architecture, as images call it',
    release({ constraints: ['node.platform.arch == amd64', 'node.platform.os == linux'] }),
    {},
    [],
    undefined,
  ],
  [
    'another architecture',
    release({ constraints: ['node.platform.arch == arm64'] }),
    {},
    [],
    'does not satisfy node.platform.arch == arm64',
  ],
  ['its platform', release({}, { platform: 'linux/amd64' }), {}, [], undefined],
  ['its platform, with a variant', release({}, { platform: 'linux/amd64/v2' }), {}, [], undefined],
  ['another platform', release({}, { platform: 'linux/arm64' }), {}, [], 'is linux/x86_64, and linux/arm64 is wanted'],
  ['another system', release({}, { platform: 'windows' }), {}, [], 'is linux/x86_64, and windows is wanted'],
  [
    'a platform, of an agent that says nothing of its own',
    release({}, { platform: 'linux/arm64' }),
    { record: emptyDocument('HostRecord') },
    [],
    undefined,
  ],
  ['an external volume that is there', release({}, { mounts: [external] }), {}, [], undefined],
  [
    'an external volume that is not',
    release({}, { mounts: [external, mount({ source: 'big', volumeExternal: true })] }),
    {},
    [],
    'has no volume big; it is external, so make it there: docker volume create big',
  ],
  ['a volume that is made when it is needed', release({}, { mounts: [mount({})] }), {}, [], undefined],
  [
    'more volumes than agents say',
    release({}, { mounts: [mount({ source: 'z', volumeExternal: true })] }),
    { status: { ...emptyDocument('HostStatus'), volumes: Array.from({ length: 1000 }, (_, at) => `v${at}`) } },
    [],
    undefined,
  ],
  ['as many as a host may have', release({ maxReplicasPerNode: 2 }), {}, [release()], undefined],
  [
    'one more',
    release({ maxReplicasPerNode: 2 }),
    {},
    [release(), release()],
    'has 2 of web already, and max_replicas_per_node is 2',
  ],
  ['others count for nothing there', release({ maxReplicasPerNode: 1 }), {}, [release({}, {}, 'api')], undefined],
  [
    'whom it keeps away from',
    release({ keepAwayFrom: ['db'] }),
    {},
    [release({}, {}, 'db')],
    'runs db, from which web is to keep away',
  ],
  [
    'who keeps away from it',
    release(),
    {},
    [release({ keepAwayFrom: ['web'] }, {}, 'db')],
    'runs a service that is to keep away from web',
  ],
  [
    'itself, from which it keeps away',
    release({ keepAwayFrom: ['web'] }),
    {},
    [release({ keepAwayFrom: ['web'] })],
    'runs web, from which web is to keep away',
  ],
  [
    'nobody whom it keeps away from',
    release({ keepAwayFrom: ['db'] }),
    {},
    [release({ keepAwayFrom: ['cache'] }, {}, 'api')],
    undefined,
  ],
  ['all of the memory', reserving({ memoryBytes: 1024 * MIB }), {}, [], undefined],
  [
    'more memory than is left',
    reserving({ memoryBytes: 512 * MIB }),
    {},
    [reserving({ memoryBytes: 600 * MIB })],
    '512 MiB of memory are wanted and 424 MiB are not reserved yet',
  ],
  ['more CPUs than there are', reserving({ nanoCpus: 3e9 }), {}, [], '3 CPUs are wanted and 2 are not reserved yet'],
  [
    'the last of a named resource',
    reserving({ resources: { licence: 1 } }),
    {},
    [reserving({ resources: { licence: 1 } })],
    undefined,
  ],
  [
    'more of a named resource than is left',
    reserving({ resources: { licence: 2 } }),
    {},
    [reserving({ resources: { licence: 1 } })],
    '2 of licence are wanted and 1 are not reserved yet',
  ],
  [
    'a resource that the host has not',
    reserving({ resources: { gpu: 1 } }),
    {},
    [],
    '1 of gpu are wanted and 0 are not reserved yet',
  ],
  [
    'a host port that is free',
    release({}, { ports: [port] }),
    {},
    [release({}, { ports: [{ ...port, protocol: 'udp' }] })],
    undefined,
  ],
  [
    'a host port that is taken',
    release({}, { ports: [port] }),
    {},
    [release({}, { ports: [port] }, 'api')],
    'host port 80/tcp is taken by api-1',
  ],
];

test.each(ROWS)('%s', (_, wanted, host, others, reason) => {
  const candidate = { host: { ...HOST, ...host }, usage: there(...others) };
  expect(whyNot(candidate, wanted)).toBe(reason);
  expect(fits(candidate, wanted)).toBe(reason === undefined);
});

test('an instance that is to leave when the one in hand comes is not in its way', () => {
  const one = release({ maxReplicasPerNode: 1, keepAwayFrom: ['web'] });
  expect(whyNot({ host: HOST, usage: there(one), ofSlot: 1 }, one)).toBeUndefined();
  expect(whyNot({ host: HOST, usage: there(one, one), ofSlot: 1 }, one)).toMatch(/^has 1 of web/);
});

test('what was taken and given back leaves no trace', () => {
  const all = [reserving({ resources: { licence: 1 } }), release({ keepAwayFrom: ['db'] }, { ports: [port] }, 'api')];
  const usage = there(...all);
  all.forEach((one, at) =>
    usage.giveBack(
      { ...PLAIN, id: `${one.service}-${at + 1}`, host: 'h1', service: one.service, slot: at + 1, release: 1 },
      one,
    ),
  );
  expect(usage).toEqual(new Tally());
});
