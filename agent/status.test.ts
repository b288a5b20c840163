import { emptyDocument } from '../lib/documents/codec';
import { encodeDocument } from '../lib/documents/codec';
import { specHash } from '../lib/release/spec-hash';
import { actualOf, containerOf, exitOf } from '../test/support/actual';
import { desiredOf, prefetchOf, releaseOf } from '../test/support/desired';
import {
  NOTHING_REMEMBERED,
  type ActualContainer,
  type Desired,
  type InstanceMemory,
  type StepKind,
} from './plan/types';
import { buildStatus, type StatusInput } from './status';

const ID = 'web-1';
const WEB = releaseOf('web', { number: 2, hostPorts: [0] });
const SPEC = specHash(WEB.container);
const WANTED = desiredOf({ [ID]: WEB });
const LEFT_OUT = desiredOf({});
const UNKNOWN_TO_ETCD: Desired = {
  ...WANTED,
  instances: new Map([...WANTED.instances].map(([id, one]) => [id, { ...one, hash: '' }])),
};
const UNREADABLE = desiredOf({ [ID]: 'release web@1 is not in etcd' });
const INCOMPLETE = desiredOf({}, { isComplete: false });
const withPolicy = (policy: Parameters<typeof releaseOf>[1] & object): Desired =>
  desiredOf({ [ID]: releaseOf('web', { number: 2, hostPorts: [0], ...policy }) });

interface Case {
  readonly desired?: Desired;
  readonly container?: Partial<ActualContainer> | 'none';
  readonly busy?: StepKind;
  readonly error?: string;
  readonly turn?: string;
  readonly memory?: Partial<InstanceMemory>;
}

const NOTHING_BESIDES = { resolved: {}, volumes: [] };

function container(change: Partial<ActualContainer> = {}): ActualContainer {
  const ports = [{ name: '', target: 80, published: 20_000, protocol: 'tcp' }];
  return containerOf({ spec: SPEC, ports, ...change });
}
const exited = (code: number): Partial<ActualContainer> => ({
  state: 'exited',
  exit: exitOf(code),
});

function statusOf({ desired = WANTED, container: change = {}, busy, error, turn, memory = {} }: Case) {
  const containers = change === 'none' ? [] : [container(change)];
  return buildStatus({
    desired,
    actual: actualOf(containers, ['web:1']),
    nowMs: 0,
    busy: new Map(busy === undefined ? [] : [[ID, busy]]),
    turns: new Map(turn === undefined ? [] : [[ID, turn]]),
    memory: {
      instances: new Map([[ID, { ...NOTHING_REMEMBERED, ...memory }]]),
      ...{
        failureOf: () => (error === undefined ? undefined : { error, tries: 5 }),
        lastExitOf: () => undefined,
        restartsOf: () => 3,
        lastRestartReasonOf: () => 'it was ill',
        progressOf: () => 'half',
      },
      pullFailureOf: (image) => (image === 'web:9' ? { error: 'pull failed: no', tries: 1 } : undefined),
    },
    problems: [],
    besides: NOTHING_BESIDES,
  }).instances[ID];
}

test.each<[string, Case, string, string]>([
  ['runs as wanted', {}, 'RUNNING', ''],
  ['nothing there yet', { container: 'none' }, 'PENDING', 'assigned to this host'],
  [
    'nothing there yet, and no place',
    { container: 'none', turn: '8 containers at once' },
    'PENDING',
    'assigned to this host; waits its turn: 8 containers at once',
  ],
  ['what it waited for is not wanted any more', { turn: '8 containers at once' }, 'RUNNING', ''],
  ['its image is being pulled', { container: 'none', busy: 'pull' }, 'PULLING', 'assigned to this host'],
  ['being made', { container: 'none', busy: 'create' }, 'STARTING', 'assigned to this host'],
  [
    'made, and not started',
    { container: { state: 'created' } },
    'STARTING',
    'the container was created and never started',
  ],
  ['could not be made', { container: 'none', error: 'create failed: no' }, 'FAILED', 'create failed: no'],
  ['could not be started', { container: exited(1), error: 'start failed: no' }, 'FAILED', 'start failed: no'],
  ['an old failure, and it runs', { error: 'start failed: no' }, 'RUNNING', ''],
  [
    'its image could not be pulled for another',
    { desired: withPolicy({ image: 'web:9' }), container: 'none' },
    'FAILED',
    'pull failed: no',
  ],
  ['waits for its next start', { container: exited(3) }, 'BACKOFF', 'exited with code 3'],
  [
    'given up after its attempts',
    { desired: withPolicy({ policy: { maxAttempts: 2 } }), container: exited(3), memory: { restarts: 2 } },
    'STOPPED',
    'given up after 2 restarts in a row',
  ],
  [
    'done',
    { desired: withPolicy({ policy: { condition: 'on-failure' } }), container: exited(0) },
    'STOPPED',
    'it exited with code 0, and the restart policy is "on-failure"',
  ],
  [
    'its port was taken',
    { container: exited(1), memory: { lostPort: { containerId: 'c1', port: 20_000 } }, error: 'start failed: taken' },
    'FAILED',
    'start failed: taken',
  ],
  ['paused by hand', { container: { state: 'paused' } }, 'RUNNING', 'paused in Docker by hand; left as it is'],
  ['to be replaced', { container: { spec: 'old' } }, 'RUNNING', 'release 2 needs another container than release 1'],
  [
    'being stopped',
    { container: { spec: 'old' }, busy: 'stop' },
    'STOPPING',
    'release 2 needs another container than release 1',
  ],
  ['left out', { desired: LEFT_OUT }, 'STOPPING', 'the assignment leaves it out'],
  ['left out, and can not be stopped', { desired: LEFT_OUT, error: 'stop failed: no' }, 'STOPPING', 'stop failed: no'],
  ['its release unreadable', { desired: UNREADABLE }, 'RUNNING', 'left as it is: release web@1 is not in etcd'],
  [
    'its release unreadable, an old failure',
    { desired: UNREADABLE, container: 'none', error: 'create failed: no' },
    'PENDING',
    'left as it is: release web@1 is not in etcd',
  ],
  [
    'nothing says what should run',
    { desired: INCOMPLETE },
    'RUNNING',
    'held: no assignment document says what this host should run',
  ],
])('%s', (_, change, phase, reason) => {
  expect(statusOf(change)).toMatchObject({ phase, reason });
});

test('an exit with code 0 is not done when nobody knows its release', () => {
  expect(statusOf({ desired: UNREADABLE, container: exited(0) })?.phase).toBe('BACKOFF');
});

test('G10: a host on which everything has crashed with much to say still fits into etcd, and the latest crashes keep their logs', () => {
  const log = Array.from({ length: 10 }, () => '"é"'.repeat(100));
  const ids = Array.from({ length: 300 }, (_, index) => `web-${index}`);
  const { instances } = buildStatus({
    desired: WANTED,
    actual: actualOf(ids.map((instance) => container({ instance }))),
    ...{ nowMs: 0, busy: new Map(), turns: new Map(), problems: [], besides: NOTHING_BESIDES },
    memory: {
      instances: new Map(),
      ...{
        failureOf: () => undefined,
        restartsOf: () => 3,
        lastRestartReasonOf: () => 'it was ill',
        progressOf: () => '',
        pullFailureOf: () => undefined,
      },
      lastExitOf: (instance) => exitOf(3, { atMs: Number(instance.slice('web-'.length)), log }),
    },
  });
  const status = { ...emptyDocument('HostStatus'), assignmentRevision: 1, instances, problems: [] };
  expect(Buffer.byteLength(encodeDocument('HostStatus', status))).toBeLessThan(1024 ** 2);
  expect(instances['web-299']?.lastExit?.log).toEqual(log);
  expect(instances['web-0']?.lastExit).toEqual(exitOf(3, { atMs: 0 }));
});

test('G10: a host of 200 instances is told in 200 kB, and with all that it can be asked besides it fits into etcd', () => {
  const id = (index: number): string => `checkout-service-${index}-x7k2`;
  const ports = [{ name: 'http', target: 8080, published: 20_000, protocol: 'tcp' }];
  const desired = desiredOf(Object.fromEntries(Array.from({ length: 200 }, (_, index) => [id(index), WEB])));
  const containers = [...desired.instances.keys()].map((instance) =>
    container({ instance, id: 'c'.repeat(64), health: 'healthy', ports }),
  );
  const memory = {
    ...{ instances: new Map<string, InstanceMemory>(), failureOf: () => undefined, lastExitOf: () => undefined },
    ...{ restartsOf: () => 1, lastRestartReasonOf: () => 'exited with code 1', progressOf: () => '' },
    pullFailureOf: () => ({ error: 'p'.repeat(500), tries: 1 }),
  };
  const rest = { nowMs: 0, busy: new Map<string, StepKind>(), turns: new Map<string, string>(), problems: [], memory };
  const bytesOf = (input: StatusInput): number => Buffer.byteLength(encodeDocument('HostStatus', buildStatus(input)));
  const actual = actualOf(containers, ['web:1']);
  expect(bytesOf({ ...rest, desired, actual, besides: NOTHING_BESIDES })).toBeLessThan(200_000);

  const services = Array.from({ length: 200 }, (_, index) => `${'s'.repeat(60)}${index}`);
  const wishes = services.map((service) => releaseOf(service, { image: 'gone:1' }));
  const answer = { question: 1, digest: '', problem: 'p'.repeat(2000) };
  const besides = {
    resolved: Object.fromEntries(services.map((service) => [service, answer])),
    volumes: Array.from({ length: 1000 }, (_, index) => `${'v'.repeat(250)}${index}`),
  };
  const asked = { ...desired, prefetch: prefetchOf(...wishes) };
  expect(bytesOf({ ...rest, desired: asked, actual, besides })).toBeLessThan(1.3 * 1024 ** 2);
});

test('what it says of a container', () => {
  expect(statusOf({ container: { health: 'healthy' } })).toEqual({
    ...{ service: 'web', slot: 1, release: 2, phase: 'RUNNING', containerId: 'c1', health: 'healthy', restarts: 3 },
    ...{
      ports: container().ports,
      reason: '',
      held: false,
      spec: SPEC,
      progress: 'half',
      pausedUntilMs: 0,
      failedTries: 0,
    },
    lastRestartReason: 'it was ill',
  });
  // Until it is replaced it is what it was made as.
  expect(statusOf({ container: { spec: 'old' } })).toMatchObject({ release: 1, spec: 'old' });
  expect(statusOf({ desired: INCOMPLETE })).toMatchObject({ release: 1, held: true });
});

test('of what it holds, it says what it was made from: etcd may have forgotten', () => {
  const image = `web:1@sha256:${'a'.repeat(64)}`;
  expect(statusOf({ container: { image } })).not.toHaveProperty('image');
  expect(statusOf({ container: { image }, desired: INCOMPLETE })).toMatchObject({ held: true, image });
  expect(statusOf({ container: { image }, desired: UNREADABLE })).toMatchObject({ held: false, image });
  expect(statusOf({ desired: INCOMPLETE })).not.toHaveProperty('image');
  // Its release is gone from etcd, and known here still.
  expect(statusOf({ container: { image }, desired: UNKNOWN_TO_ETCD })).toMatchObject({ held: false, image });
});

test.each<[string, Case, number]>([
  ['could not be made, time and again', { container: 'none', error: 'create failed: no' }, 3],
  ['its image could not be pulled for another', { desired: withPolicy({ image: 'web:9' }), container: 'none' }, 1],
  ['an old failure, and it runs', { error: 'start failed: no' }, 0],
])('how many tries have failed: %s', (_, change, tries) => expect(statusOf(change)?.failedTries).toBe(tries));
