/** The witness is tried itself: agents, engines and schedulers that do wrong have to be caught, each by its own check. */
import type { CreateRequest, Engine } from '../../agent/docker/engine';
import type { MemoryDocker } from '../../agent/docker/simulated/memory-docker';
import type { HostInput } from '../../agent/plan/plan-host';
import type { ActualContainer, AppliedLimits, InstanceMemory, Step } from '../../agent/plan/types';
import { emptyDocument } from '../../lib/documents/codec';
import { runSeed } from './run-seed';
import { OWNER } from './simulated-host';
import { overCalls } from './simulated-process';

type Plan = (input: HostInput) => readonly Step[];

let mockPlan: (plan: Plan, input: HostInput) => readonly Step[];
let mockTakesAll: boolean;
let mockIsOver: boolean;
let mockAwaitsName: boolean;
let lastMs: number;
jest.mock('../../agent/plan/plan-host', () => {
  const actual = jest.requireActual<{ planHost: Plan }>('../../agent/plan/plan-host');
  return { ...actual, planHost: (input: HostInput) => mockPlan(actual.planHost, input) };
});
jest.mock('../../agent/plan/still-wanted', () => {
  const actual = jest.requireActual<{ isOver: (...args: unknown[]) => boolean }>('../../agent/plan/still-wanted');
  return { ...actual, isOver: (...args: unknown[]) => mockIsOver && actual.isOver(...args) };
});
jest.mock('../../agent/agent', () => {
  const actual = jest.requireActual<{ Agent: { prototype: { mayAct(): boolean } } }>('../../agent/agent');
  const { prototype } = actual.Agent;
  const mayAct = Reflect.get(prototype, 'mayAct');
  prototype.mayAct = function () {
    return mayAct.call(this) || !mockAwaitsName;
  };
  return actual;
});
function mockFilter(path: string): object {
  const actual = jest.requireActual<Record<string, { check: (...args: unknown[]) => boolean }>>(path);
  const [[name, filter]] = Object.entries(actual) as [[string, { check: (...args: unknown[]) => boolean }]];
  return { [name]: { ...filter, check: (...args: unknown[]) => mockTakesAll || filter.check(...args) } };
}
jest.mock('../../coordinator/schedule/filters/capacity', () =>
  mockFilter('../../coordinator/schedule/filters/capacity'),
);
jest.mock('../../coordinator/schedule/filters/static-port', () =>
  mockFilter('../../coordinator/schedule/filters/static-port'),
);

beforeEach(() => {
  mockPlan = (plan, input) => plan(input);
  mockTakesAll = false;
  mockIsOver = true;
  mockAwaitsName = true;
  lastMs = -Infinity;
});

/** The first breach of this kind, in lives of one kind. */
async function caught(
  breach: RegExp,
  kind: 'cluster' | 'host',
  sabotage?: (engine: Engine, docker: MemoryDocker) => Engine,
): Promise<void> {
  const seen: string[] = [];
  for (let seed = kind === 'cluster' ? 2 : 1; seed < 400; seed += 2) {
    const { breaches } = await runSeed(seed, { sabotage });
    if (breaches.some((what) => breach.test(what))) return;
    seen.push(...breaches);
  }
  throw new Error(`not caught; but ${seen.slice(0, 5).join(', ') || 'nothing'} was`);
}

const wanted = (change: Partial<HostInput['desired']>) => (plan: Plan, input: HostInput) =>
  plan({ ...input, desired: { ...input.desired, ...change } });

const withDeploy = (input: HostInput, change: object): HostInput => {
  const instances = [...input.desired.instances].map(([id, one]) => {
    const spec = one.spec && { ...one.spec, deploy: { ...one.spec.deploy, ...change } };
    return [id, spec === undefined ? one : { ...one, spec }] as const;
  });
  return { ...input, desired: { ...input.desired, instances: new Map(instances) } };
};

const withMemory = (change: Partial<InstanceMemory>, ofRunning = false): typeof mockPlan => {
  return (plan, input) => {
    const isMeant = (id: string): boolean => !ofRunning || input.actual.containers.get(id)?.[0]?.state === 'running';
    const instances = [...input.memory.instances].map(
      ([id, one]) => [id, isMeant(id) ? { ...one, ...change } : one] as const,
    );
    return plan({ ...input, memory: { instances: new Map(instances) } });
  };
};

/** Once in each life of an agent, which a memory of its own shows. */
const atFirst = (steps: (input: HostInput) => readonly Step[]): typeof mockPlan => {
  const known = new WeakSet();
  return (plan, input) => {
    if (known.has(input.memory) || input.actual.containers.size === 0) return plan(input);
    known.add(input.memory);
    return steps(input);
  };
};

const restartAll = ({ actual }: HostInput): readonly Step[] =>
  [...actual.containers.values()].map(([container]) => ({
    ...{ kind: 'restart', instance: container!.instance, containerId: container!.id, graceMs: 0, reason: '' },
  }));

/** @param turnOff what would keep the agent from it all the same */
const unguarded = (turnOff: () => void, other: typeof mockPlan): typeof mockPlan => {
  return (plan, input) => {
    turnOff();
    return other(plan, input);
  };
};

const createAll = ({ desired, actual }: HostInput): readonly Step[] =>
  [...desired.instances].flatMap(([instance, { slot, spec, specHash }]) =>
    spec === undefined || !actual.containers.has(instance)
      ? []
      : [{ kind: 'create', instance, release: spec, slot, specHash: specHash!, config: {}, isJob: false, reason: '' }],
  );

test.each<[string, RegExp, 'cluster' | 'host', typeof mockPlan]>([
  [
    'stops what is not named though nothing says so',
    /G3: (etcd has not said|there never was)/,
    'host',
    wanted({ isComplete: true }),
  ],
  ['stops what is held', /G3: it is held/, 'host', wanted({ held: new Set() })],
  ['acts on what is paused', /hands off: it is paused/, 'host', wanted({ pauses: [] })],
  [
    'restarts everything when it starts',
    /restart .*G1: it is (none|healthy|starting|well)/,
    'host',
    unguarded(() => (mockIsOver = false), atFirst(restartAll)),
  ],
  ['makes what is there already', /create .*: there is/, 'host', atFirst(createAll)],
  [
    'starts what is not to be started again',
    /G1: .*restart policy is "none"/,
    'host',
    (plan, input) =>
      plan(
        withDeploy(input, { restartPolicy: { ...emptyDocument('Release').deploy.restartPolicy, condition: 'any' } }),
      ),
  ],
  [
    'restarts what is only to be withdrawn',
    /G1: on_unhealthy is "withdraw"/,
    'host',
    (plan, input) => plan(withDeploy(input, { onUnhealthy: 'restart' })),
  ],
  [
    'makes a new container for other limits',
    /stop .*G1: its assignment names it/,
    'host',
    (plan, input) => plan(input).map((step) => (step.kind === 'update' ? { ...step, kind: 'stop', graceMs: 0 } : step)),
  ],
  [
    'starts a job again that has failed',
    /start .*: a job is run once/,
    'host',
    (plan, input) => {
      const ended = [...input.actual.containers.values()]
        .flat()
        .filter(({ slot, state }) => slot === 0 && state === 'exited');
      const starts = ended.map(({ id, instance }): Step => ({ kind: 'start', instance, containerId: id, reason: '' }));
      return starts.length > 0 && starts.every(({ instance }) => input.desired.instances.has(instance))
        ? starts
        : plan(input);
    },
  ],
  [
    'makes a job anew that somebody tidied up',
    /the job .* runs for the 2\. time/,
    'host',
    withMemory({ isBegun: false }),
  ],
  [
    'starts what may run elsewhere by now',
    /(start|create) .*on_disconnect: it may run elsewhere/,
    'host',
    // In these lives an agent is hardly ever cut off when it starts; one whose Docker comes late is, until it has its lease.
    unguarded(() => (mockAwaitsName = false), withMemory({ cutOff: 'none' })),
  ],
  [
    'stops what is not cut off for long enough',
    /stop .*G1: its assignment names it/,
    'host',
    withMemory({ cutOff: 'stopped' }, true),
  ],
  [
    'never comes to rest',
    /not at rest/,
    'host',
    (plan, input) => {
      const steps = plan(input);
      const [container] = [...input.actual.containers.values()].flat();
      const isRight = container?.state === 'running' && container.limits !== undefined;
      if (!isRight || Math.abs(input.nowMs - lastMs) < 10_000) return steps;
      lastMs = input.nowMs;
      const { id: containerId, instance, limits } = container as ActualContainer & { limits: AppliedLimits };
      return input.desired.instances.has(instance)
        ? [{ kind: 'update', instance, containerId, limits, reason: '' }]
        : [];
    },
  ],
  [
    'waits for one instance with all others',
    /G6: /,
    'host',
    (plan, input) =>
      [...input.memory.instances.values()].some(({ inFlight, isFailing }) => inFlight || isFailing)
        ? []
        : plan(input).slice(0, 1),
  ],
])(
  'an agent that %s is caught',
  async (_, breach, kind, plan) => {
    mockPlan = plan;
    await caught(breach, kind);
  },
  120_000,
);

test.each<[string, RegExp, (engine: Engine, docker: MemoryDocker) => Engine]>([
  [
    'makes two containers of an instance',
    /instance .* runs twice/,
    (engine, docker) =>
      overCalls(engine, async (call, act, [request]) => {
        const answer: unknown = await act();
        if (call !== 'create') return answer;
        const asked = request as CreateRequest;
        const container = { ...asked.container, ports: [], image: 'web:1' };
        docker.start(docker.create({ ...asked, publishedPorts: [], container }, OWNER('h1')));
        return answer;
      }),
  ],
  [
    'takes a host port that another has',
    /G9 port .* runs twice/,
    (engine, docker) => {
      docker.holderOf = () => undefined;
      return overCalls(engine, async (call, act) => {
        const answer: unknown = await act();
        return call === 'list' ? (answer as ActualContainer[]).map((one) => ({ ...one, ports: [] })) : answer;
      });
    },
  ],
])(
  'an engine that %s is caught',
  async (_, breach, sabotage) => {
    await caught(breach, 'host', sabotage);
  },
  120_000,
);

test('a scheduler that takes no heed of ports and capacity is caught', async () => {
  mockTakesAll = true;
  await caught(/G9: port .* is given to/, 'cluster');
  await caught(/G9: .* are reserved, and there are/, 'cluster');
}, 120_000);
