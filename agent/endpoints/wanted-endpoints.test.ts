import { actualOf, containerOf } from '../../test/support/actual';
import { desiredOf, hookOf, releaseOf, withJob } from '../../test/support/desired';
import { encodeDocument } from '../../lib/documents/codec';
import type { Pause, Release } from '../../lib/documents/types';
import { specHash } from '../../lib/release/spec-hash';
import {
  NOTHING_REMEMBERED,
  NOTHING_TO_LEAVE,
  runOf,
  type ActualContainer,
  type BoundPort,
  type Desired,
  type InstanceMemory,
  type Step,
} from '../plan/types';
import { wantedEndpoints, type EndpointHost } from './wanted-endpoints';

const HOST: EndpointHost = { name: 'h1', address: '10.0.0.1', labels: { zone: 'a' }, weight: 100 };
const WEB = releaseOf('web');
const SPEC = specHash(WEB.container);

interface Scene {
  readonly desired?: Desired;
  readonly containers?: readonly ActualContainer[];
  readonly remembered?: Partial<InstanceMemory>;
  readonly steps?: readonly Step[];
  readonly host?: Partial<EndpointHost>;
}

const running = (change: Partial<ActualContainer> = {}): ActualContainer =>
  containerOf({ spec: SPEC, health: 'healthy', ...change });

function published({ desired = desiredOf({ 'web-1': WEB }), containers = [running()], ...rest }: Scene) {
  const memory = { instances: new Map([['web-1', { ...NOTHING_REMEMBERED, ...rest.remembered }]]) };
  // What is wanted is there, so that no step is a pull.
  const images = [...desired.instances.values()].map(({ spec }) => spec?.container.image ?? '');
  const input = { desired, actual: actualOf(containers, images), memory, nowMs: 0, steps: rest.steps ?? [] };
  return wantedEndpoints(input, { ...HOST, ...rest.host });
}

const instancesOf = (scene: Scene): readonly string[] => published(scene).endpoints.map(({ instance }) => instance);

const pause = (kind: string): Pause => ({ kind, name: 'web-1', untilMs: 9e15, reason: 'a look', by: 'me' });
const hooked: Release = { ...WEB, container: { ...WEB.container, postStart: [hookOf('warm')] } };
const hookedScene = (remembered: Partial<InstanceMemory>, change: Partial<ActualContainer> = {}): Scene => ({
  desired: desiredOf({ 'web-1': hooked }),
  containers: [running({ spec: specHash(hooked.container), ...change })],
  remembered,
});
const step = (kind: 'drain' | 'stop' | 'restart' | 'remove', containerId = 'c1'): Step => {
  const rest = { instance: 'web-1', containerId, reason: '' };
  if (kind === 'drain') return { kind, leave: NOTHING_TO_LEAVE, ...rest };
  return kind === 'remove' ? { kind, ...rest } : { kind, graceMs: 0, ...rest };
};
const changed = releaseOf('web', { number: 2, image: 'web:2' });
const leaving = { ...NOTHING_TO_LEAVE, drainMs: 5000 };
const cut = { ...WEB, deploy: { ...WEB.deploy, onDisconnect: { stopAfterMs: 1000, replaceAfterMs: 0 } } };

test.each<[string, Scene, boolean]>([
  ['healthy', {}, true],
  ['with neither probe nor check', { containers: [running({ health: 'none' })] }, true],
  ['starting', { containers: [running({ health: 'starting' })] }, false],
  ['unhealthy', { containers: [running({ health: 'unhealthy' })] }, false],
  ['not there', { containers: [] }, false],
  ['exited', { containers: [running({ state: 'exited' })] }, false],
  ['paused in Docker', { containers: [running({ state: 'paused' })] }, false],
  ['without a release', { desired: desiredOf({ 'web-1': 'web@1 is not there' }) }, true],
  ['not assigned any more', { desired: desiredOf({}) }, false],
  ['not assigned, and its host has no assignment', { desired: desiredOf({}, { isComplete: false }) }, true],
  ['held', { desired: desiredOf({}, { held: new Set(['web-1']) }) }, true],
  [
    'held and unhealthy',
    { desired: desiredOf({}, { held: new Set(['web-1']) }), containers: [running({ health: 'unhealthy' })] },
    false,
  ],
  ['paused by an operator', { desired: desiredOf({ 'web-1': WEB }, { pauses: [pause('instance')] }) }, true],
  [
    'paused by an operator, to be replaced',
    { desired: desiredOf({ 'web-1': changed }, { pauses: [pause('host')] }) },
    true,
  ],
  ['to be replaced now', { desired: desiredOf({ 'web-1': changed }) }, false],
  ['to be drained now', { desired: desiredOf({ 'web-1': changed }), containers: [running({ leave: leaving })] }, false],
  ['drained', { remembered: { drained: 'c1' } }, false],
  ['of which an earlier container was drained', { remembered: { drained: 'c0' } }, true],
  ['whose post_start hooks are to run', hookedScene({}), false],
  ['whose post_start hooks ran in this run', hookedScene({ hookedRun: runOf(running()) }), true],
  ['whose post_start hooks ran in an earlier run', hookedScene({ hookedRun: 'c1 0' }), false],
  [
    'whose hooks ran, and Docker does not say in which run',
    hookedScene({ hookedRun: runOf(running()) }, { startedAtMs: 0 }),
    true,
  ],
  ['whose hooks ran in another container', hookedScene({ hookedRun: 'c0 1' }, { startedAtMs: 0 }), false],
  [
    'that is stopped on a host that is cut off',
    { desired: desiredOf({ 'web-1': cut }), remembered: { cutOff: 'stopped' } },
    false,
  ],
  ['with a twin that goes first', { containers: [running(), running({ id: 'c2' })] }, true],
  [
    'whose twin is being stopped',
    { containers: [running(), running({ id: 'c2' })], steps: [step('stop', 'c2')] },
    true,
  ],
  ['being drained', { steps: [step('drain')] }, false],
  ['being stopped', { steps: [step('stop')] }, false],
  ['being restarted', { steps: [step('restart')] }, false],
  ['being removed', { steps: [step('remove')] }, false],
])('an instance that is %s', (_, scene, isPublished) => {
  expect(instancesOf(scene)).toEqual(isPublished ? ['web-1'] : []);
});

describe('of two that leave, what the other one depends on', () => {
  const web = running({ leave: { ...NOTHING_TO_LEAVE, dependsOn: ['db'], drainMs: 5000 } });
  const db = running({ id: 'c2', instance: 'db-1', service: 'db' });
  const desired = desiredOf({});

  test.each<[string, Partial<Scene>, readonly string[]]>([
    ['is to be found until that one is to be drained', {}, ['db-1']],
    ['is to be found while that one is drained', { steps: [step('drain')] }, ['db-1']],
    ['is to be found while that one is stopped', { remembered: { drained: 'c1' }, steps: [step('stop')] }, ['db-1']],
    ['is not when it is ill', { containers: [web, { ...db, health: 'unhealthy' }] }, []],
    ['is not when it is stopped all the same', { steps: [step('stop', 'c2')] }, []],
    ['leaves when that one has stopped', { containers: [{ ...web, state: 'exited' }, db] }, []],
    ['leaves when that one is gone', { containers: [db] }, []],
    ['leaves when that one fails to stop', { remembered: { isFailing: true } }, []],
  ])('%s', (_, scene, found) => {
    expect(instancesOf({ desired, containers: [web, db], ...scene })).toEqual(found);
  });
});

test('a job is no endpoint, assigned or held', () => {
  const containers = [running({ instance: 'job', slot: 0, health: 'none' })];
  expect(instancesOf({ desired: withJob(desiredOf({}), 'job', WEB), containers })).toEqual([]);
  expect(instancesOf({ desired: desiredOf({}, { isComplete: false }), containers })).toEqual([]);
});

test('what nobody has asked yet how it is, is told apart, unless it is on its way out', () => {
  const containers = [running({ health: 'starting' })];
  expect(published({ containers }).starting).toEqual(new Set(['web-1']));
  expect(published({ containers, steps: [step('stop')] }).starting).toEqual(new Set());
});

const port = (target: number, change: Partial<BoundPort> = {}): BoundPort => ({
  ...{ name: '', target, published: 20_000 + target, protocol: 'tcp' },
  ...change,
});

test.each<[string, readonly BoundPort[], object]>([
  ['none', [], {}],
  ['one without a name', [port(80)], { port: 20_080, ports: { '80': 20_080 } }],
  [
    'several, the first in front',
    [port(8080, { name: 'http' }), port(53, { protocol: 'udp' })],
    { port: 28_080, ports: { '53': 20_053, http: 28_080 }, protocols: { '53': 'udp' } },
  ],
  [
    'one number over two protocols',
    [port(53), port(53, { protocol: 'udp', published: 20_054 })],
    { port: 20_053, ports: { '53': 20_053, '53-udp': 20_054 }, protocols: { '53-udp': 'udp' } },
  ],
  [
    'bound to a loopback address',
    [port(80, { hostIp: '127.0.0.1' }), port(81)],
    { port: 20_081, ports: { '81': 20_081 } },
  ],
  ['bound to the loopback address of IPv6', [port(80, { hostIp: '::1' })], {}],
  ['bound to one address', [port(80, { hostIp: '10.0.0.1' })], { port: 20_080, ports: { '80': 20_080 } }],
])('ports: %s', (_, ports, told) => {
  const [one] = published({ containers: [running({ ports })] }).endpoints;
  const rest = { host: '10.0.0.1', hostName: 'h1', labels: { zone: 'a' }, release: 1, slot: 1, weight: 100 };
  expect(JSON.parse(encodeDocument('Endpoint', one!.endpoint))).toEqual({ ...rest, ...told });
});

test('on a host whose own address is a loopback one, what is bound there counts', () => {
  const containers = [running({ ports: [port(80, { hostIp: '127.0.0.1' })] })];
  const [one] = published({ containers, host: { address: '127.0.0.1' } }).endpoints;
  expect(one?.endpoint.port).toBe(20_080);
});

test('a container that needs no change for a newer release is told as of that one', () => {
  const [one] = published({ desired: desiredOf({ 'web-1': { ...WEB, number: 7 } }) }).endpoints;
  expect(one?.endpoint.release).toBe(7);
  const [old] = published({
    desired: desiredOf({ 'web-1': changed }, { pauses: [pause('host')] }),
  }).endpoints;
  expect(old?.endpoint.release).toBe(1);
});
