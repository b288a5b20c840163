import { emptyDocument } from '../../lib/documents/codec';
import type { Candidate, HostRecord, InstanceStatus, Release } from '../../lib/documents/types';
import { instanceStatus } from '../../test/support/fake-coordinator';
import { compileService } from '../compose/compile';
import type { HostView } from '../view';
import { coordinatorTargets, hostTargets } from './targets';

const PORT = { name: 'http', target: 8080, published: 20_001, protocol: 'tcp' };

function releaseOf(service: string, number: number, text: string): Release {
  const compiled = compileService(service, `image: a\n${text}`);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  const { container, deploy } = compiled;
  return { ...emptyDocument('Release'), service, number, container, deploy };
}

const PORTS = 'ports: [{ name: http, target: 8080 }]';
const RELEASES = new Map([
  [
    'web',
    new Map([
      [1, releaseOf('web', 1, PORTS)],
      [2, releaseOf('web', 2, `${PORTS}\nx-berth: { metrics: { port: http } }`)],
      [3, releaseOf('web', 3, `${PORTS}\nx-berth: { metrics: { port: http, path: /m, scheme: https } }`)],
    ]),
  ],
  ['node', new Map([[1, releaseOf('node', 1, 'network_mode: host\nx-berth: { metrics: { port: 9100 } }')]])],
]);

function hostOf(instances: Readonly<Record<string, InstanceStatus>>, record: Partial<HostRecord> = {}): HostView {
  return {
    ...{ name: 'h1', isLive: true, assignmentRevision: 1, isAssignmentGarbage: false },
    record: { ...emptyDocument('HostRecord'), address: '10.0.0.1', ...record },
    status: { ...emptyDocument('HostStatus'), instances },
  };
}

const web = (status: Partial<InstanceStatus> = {}): InstanceStatus =>
  instanceStatus('web', { ports: [PORT], health: 'healthy', ...status });
const addresses = (host: HostView): readonly string[] => hostTargets(host, RELEASES).map(({ targets }) => targets[0]);

test('an agent and an instance, with what stays on their series and what can be relabelled', () => {
  const labels = { zone: 'a', 'example.com/disk': 'ssd' };
  const host = hostOf({ 'web-2-x': web({ slot: 2 }) }, { http: '10.0.0.1:7423', labels });
  const meta = {
    ...{ __meta_berth_host: 'h1', __meta_berth_zone: 'a' },
    ...{ __meta_berth_host_label_zone: 'a', __meta_berth_host_label_example_com_disk: 'ssd' },
  };
  expect(hostTargets(host, RELEASES)).toEqual([
    {
      targets: ['10.0.0.1:7423'],
      labels: { service: 'berth-agent', host: 'h1', zone: 'a', __meta_berth_kind: 'agent', ...meta },
    },
    {
      targets: ['10.0.0.1:20001'],
      labels: {
        ...{ service: 'web', host: 'h1', zone: 'a', release: '2', slot: '2', instance_id: 'web-2-x' },
        ...{ __meta_berth_kind: 'service', __meta_berth_service: 'web', __meta_berth_instance: 'web-2-x' },
        ...{ __meta_berth_release: '2', __meta_berth_slot: '2', ...meta },
      },
    },
  ]);
});

test('path and scheme are said where Prometheus would take others', () => {
  const [target] = hostTargets(hostOf({ a: web({ release: 3 }) }), RELEASES);
  expect(target?.labels).toMatchObject({ __metrics_path__: '/m', __scheme__: 'https' });
});

test.each<[string, Partial<InstanceStatus>, boolean]>([
  ['runs', {}, true],
  ['is unhealthy', { health: 'unhealthy' }, true],
  ['is starting up', { health: 'starting' }, true],
  ['drains', { phase: 'DRAINING' }, true],
  ['is kept though nobody manages it', { held: true }, true],
  ['waits for its next start', { phase: 'BACKOFF' }, false],
  ['is being stopped', { phase: 'STOPPING' }, false],
  ['is pulled', { phase: 'PULLING', ports: [] }, false],
  ['is of a release without metrics', { release: 1 }, false],
  ['is of a release that is not there', { release: 9 }, false],
  ['publishes another port alone', { ports: [{ ...PORT, target: 81 }] }, false],
  ['publishes the port for udp alone', { ports: [{ ...PORT, protocol: 'udp' }] }, false],
])('an instance that %s', (_, status, isScraped) => {
  expect(addresses(hostOf({ 'web-1-x': web(status) }))).toEqual(isScraped ? ['10.0.0.1:20001'] : []);
});

test('an instance on the network of its host has the port of the release', () => {
  expect(addresses(hostOf({ a: instanceStatus('node', { release: 1 }) }))).toEqual(['10.0.0.1:9100']);
});

test('of a lost host its agent alone; of one without a record nothing', () => {
  const host = hostOf({ a: web() }, { http: '10.0.0.1:7423' });
  expect(addresses({ ...host, isLive: false })).toEqual(['10.0.0.1:7423']);
  expect(addresses({ name: 'h1', isLive: true, assignmentRevision: 1, isAssignmentGarbage: false })).toEqual([]);
});

test('IPv6 stands in brackets; by service, slot and id, whatever the order of the report', () => {
  const of = (published: number): Partial<InstanceStatus> => ({ ports: [{ ...PORT, published }] });
  const host = hostOf(
    {
      'web-10-a': web({ slot: 10, ...of(4) }),
      'web-2-b': web({ slot: 2, ...of(3) }),
      'web-2-a': web({ slot: 2, ...of(2) }),
      'node-1-a': instanceStatus('node', { release: 1 }),
    },
    { address: 'fd00::1' },
  );
  expect(addresses(host)).toEqual(['[fd00::1]:9100', '[fd00::1]:2', '[fd00::1]:3', '[fd00::1]:4']);
});

const candidate = (identity: string, http: string): Candidate => ({ identity, http, version: '1' });

test('coordinators by address; one that is not to be found is left out', () => {
  const own = candidate('c1:10', '10.0.0.1:7422');
  const others = [candidate('c2:7', '10.0.0.2:7422'), own, candidate('c3:7', '')];
  expect(coordinatorTargets(others, own)).toEqual([
    {
      targets: ['10.0.0.1:7422'],
      labels: { service: 'berth-coordinator', host: 'c1', __meta_berth_kind: 'coordinator', __meta_berth_host: 'c1' },
    },
    expect.objectContaining({ targets: ['10.0.0.2:7422'] }),
  ]);
});

test('of coordinators that are all reached at loopback, the one that is asked', () => {
  const [one, two] = [candidate('c1:10', '127.0.0.1:7422'), candidate('c2:7', '127.0.0.1:7422')];
  expect(coordinatorTargets([two, one], one)).toMatchObject([{ labels: { host: 'c1' } }]);
  expect(coordinatorTargets([two, one], two)).toMatchObject([{ labels: { host: 'c2' } }]);
});

test('one that etcd has never heard of lists itself', () => {
  const own = candidate('c1:10', '10.0.0.1:7422');
  expect(coordinatorTargets([], own)).toHaveLength(1);
  expect(coordinatorTargets([], candidate('c1:10', ''))).toEqual([]);
});
