import { emptyDocument } from '../lib/documents/codec';
import type { HostStatus, InstanceStatus, Phase } from '../lib/documents/types';
import { createAgentMetrics, type AgentMetrics } from './metrics';

let metrics: AgentMetrics;
beforeEach(() => (metrics = createAgentMetrics()));

const valueOf = async (name: string): Promise<number | undefined> => {
  const text = await metrics.metrics.render();
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
};

function instance(phase: Phase, health: string, held = false): InstanceStatus {
  return { ...NOTHING, phase, health, held };
}
const NOTHING = {
  ...{ service: 'web', slot: 1, release: 1, containerId: '', ports: [], restarts: 0, reason: '', spec: '' },
  ...{ progress: '', pausedUntilMs: 0, lastRestartReason: '', failedTries: 0 },
};
const problem = (rule: string): HostStatus['problems'][number] => ({
  ...{ rule, path: '', line: 0, column: 0, message: '', key: '' },
});

test.each<[string, InstanceStatus, number, number, number]>([
  ['runs, without a check', instance('RUNNING', 'none'), 1, 1, 0],
  ['runs, and its check passes', instance('RUNNING', 'healthy'), 1, 1, 0],
  ['runs, and its check has not said anything yet', instance('RUNNING', 'starting'), 1, 0, 0],
  ['runs, and its check fails', instance('RUNNING', 'unhealthy'), 1, 0, 0],
  ['is down', instance('BACKOFF', 'none'), 0, 0, 0],
  ['is on its way out', instance('STOPPING', 'healthy'), 0, 0, 0],
  ['is held', instance('RUNNING', 'none', true), 1, 1, 1],
])('an instance that %s', async (_, status, running, healthy, held) => {
  metrics.onStatus(
    { ...emptyDocument('HostStatus'), assignmentRevision: 1, instances: { a: status }, problems: [] },
    3,
  );
  expect(await valueOf('berth_agent_instances_running')).toBe(running);
  expect(await valueOf('berth_agent_instances_healthy')).toBe(healthy);
  expect(await valueOf('berth_agent_instances_held')).toBe(held);
  expect(await valueOf('berth_agent_instances_desired')).toBe(3);
});

test('problems are counted by rule, and gone when they are over', async () => {
  const of = (...rules: readonly string[]): void =>
    metrics.onStatus(
      { ...emptyDocument('HostStatus'), assignmentRevision: 1, instances: {}, problems: rules.map(problem) },
      0,
    );
  of('release-unreadable', 'release-unreadable', 'disk-copy');
  expect(await valueOf('berth_agent_problems{rule="release-unreadable"}')).toBe(2);
  expect(await valueOf('berth_agent_problems{rule="disk-copy"}')).toBe(1);
  of('disk-copy');
  expect(await valueOf('berth_agent_problems{rule="release-unreadable"}')).toBeUndefined();
});

test('steps and restarts are counted up', async () => {
  const step = { kind: 'start', instance: 'a', reason: '', containerId: 'c' } as const;
  const pass = { durationMs: 10, steps: [step, step], engineAnswers: true };
  metrics.onPass({ ...pass, restartsTotal: 2 });
  metrics.onPass({ ...pass, steps: [], engineAnswers: false, restartsTotal: 2 });
  expect(await valueOf('berth_agent_steps_total{kind="start"}')).toBe(2);
  expect(await valueOf('berth_agent_restarts_total')).toBe(2);
  expect(await valueOf('berth_agent_docker_connected')).toBe(0);
  expect(await valueOf('berth_agent_reconcile_duration_seconds_count')).toBe(2);
});

test('tries of probes are counted by what they came to, and the unhealthy are counted', async () => {
  metrics.onTry('success', 3);
  metrics.onTry('success', 30);
  metrics.onTry('timeout', 2000);
  expect(await valueOf('berth_agent_probe_tries_total{result="success"}')).toBe(2);
  expect(await valueOf('berth_agent_probe_tries_total{result="timeout"}')).toBe(1);
  expect(await valueOf('berth_agent_probe_duration_seconds_count')).toBe(3);
  expect(await valueOf('berth_agent_probe_duration_seconds_sum')).toBeCloseTo(2.033);
  const instances = { a: instance('RUNNING', 'unhealthy'), b: instance('RUNNING', 'starting') };
  metrics.onStatus({ ...emptyDocument('HostStatus'), assignmentRevision: 1, instances, problems: [] }, 2);
  expect(await valueOf('berth_agent_instances_unhealthy')).toBe(1);
});
