import { emptyDocument } from '../../lib/documents/codec';
import type { DeploySpec } from '../../lib/documents/types';
import { compileService } from './compile';

function deploy(lines: string): DeploySpec {
  const compiled = compileService('web', `image: a\n${lines}`);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  return compiled.deploy;
}

const UPDATE = { order: '', parallelism: 1, delayMs: 0, monitorMs: 5000, maxFailurePerMille: 0 };
const update = (change: object): DeploySpec['updateConfig'] => ({ ...UPDATE, failureAction: 'rollback', ...change });
const rollback = (change: object): DeploySpec['updateConfig'] => ({ ...UPDATE, failureAction: 'pause', ...change });
const WHOLE = `deploy:
  update_config: { order: stop-first, parallelism: 2, delay: 10s, monitor: 1m, max_failure_ratio: 0.25, failure_action: pause }
  rollback_config: { order: start-first, parallelism: 0, delay: 0s, monitor: 0s, max_failure_ratio: "1", failure_action: continue }
x-berth: { rollout_deadline: 1h }`;
const PORT = 'ports: ["80:80"]\n';

test('every part of update_config and rollback_config', () => {
  expect(deploy(WHOLE)).toMatchObject({
    updateConfig: {
      ...{ order: 'stop-first', parallelism: 2, delayMs: 10_000, monitorMs: 60_000, maxFailurePerMille: 250 },
      failureAction: 'pause',
    },
    rollbackConfig: {
      ...{ order: 'start-first', parallelism: 0, delayMs: 0, monitorMs: 0, maxFailurePerMille: 1000 },
      failureAction: 'continue',
    },
    rolloutDeadlineMs: 3_600_000,
  });
});

test.each<[string, string, Partial<DeploySpec>]>([
  ['nothing said', '', { updateConfig: update({}), rollbackConfig: rollback({}), rolloutDeadlineMs: 600_000 }],
  [
    'one of each said',
    'deploy: { update_config: { parallelism: 3 }, rollback_config: { monitor: 1s } }',
    { updateConfig: update({ parallelism: 3 }), rollbackConfig: rollback({ monitorMs: 1000 }) },
  ],
  ['empty maps', 'deploy: { update_config: {}, rollback_config: }', { updateConfig: update({}) }],
  [
    'a ratio of .001',
    'deploy: { update_config: { max_failure_ratio: .001 } }',
    { updateConfig: update({ maxFailurePerMille: 1 }) },
  ],
  [
    'start-first with a volume: the operator says that two may write it',
    'volumes: ["ab:/x"]\ndeploy: { update_config: { order: start-first } }',
    { updateConfig: update({ order: 'start-first' }) },
  ],
  [
    'start-first on the host network: who listens where, only the operator knows',
    'network_mode: host\ndeploy: { update_config: { order: start-first } }',
    { updateConfig: update({ order: 'start-first' }) },
  ],
  [
    'stop-first with a host port',
    `${PORT}deploy: { update_config: { order: stop-first } }`,
    { updateConfig: update({ order: 'stop-first' }) },
  ],
  [
    'preferences, the weightiest first',
    'deploy: { placement: { preferences: [{ spread: node.labels.zone }, { spread: " node.labels.a/b.c " }] } }',
    { spread: ['zone', 'a/b.c'] },
  ],
  ['at most two on a host', 'deploy: { placement: { max_replicas_per_node: 2 } }', { maxReplicasPerNode: 2 }],
  [
    'no limit on a host',
    'deploy: { mode: global, placement: { max_replicas_per_node: 0 } }',
    { maxReplicasPerNode: 0 },
  ],
  [
    'named resources',
    'deploy: { resources: { reservations: { generic_resources: [{ discrete_resource_spec: { kind: licence, value: 2 } }, { discrete_resource_spec: { kind: GPU-1, value: "1" } }] } } }',
    { reservations: { nanoCpus: 0, memoryBytes: 0, resources: { licence: 2, 'GPU-1': 1 } } },
  ],
  [
    'constraints on the platform',
    'deploy: { placement: { constraints: [node.platform.os == linux, "node.platform.arch != arm64"] } }',
    { constraints: ['node.platform.os == linux', 'node.platform.arch != arm64'] },
  ],
  [
    'canaries of a global service',
    'deploy: { mode: global }\nx-berth: { canary: 2 }',
    { canary: 2, autoPromote: false },
  ],
  ['more canaries than instances', 'x-berth: { canary: 5, auto_promote: true }', { canary: 5, autoPromote: true }],
  [
    'a job before',
    'x-berth: { before: { command: "migrate --to {{.Config.VERSION}}" } }',
    { before: { command: ['migrate', '--to', '{{.Config.VERSION}}'], timeoutMs: 600_000 } },
  ],
  [
    'a job with a timeout',
    'x-berth: { before: { command: [a], timeout: 5s } }',
    { before: { command: ['a'], timeoutMs: 5000 } },
  ],
  [
    'a service that keeps away from itself',
    'x-berth: { keep_away_from: [web, db, web] }',
    { keepAwayFrom: ['web', 'db'] },
  ],
  [
    'what is cut off is kept',
    'x-berth: { on_disconnect: keep }',
    { onDisconnect: { stopAfterMs: 0, replaceAfterMs: 0 } },
  ],
  [
    'what is cut off stops',
    'x-berth: { on_disconnect: { stop_after: 30s } }',
    { onDisconnect: { stopAfterMs: 30_000, replaceAfterMs: 0 } },
  ],
  [
    'what is cut off is replaced',
    'x-berth: { on_disconnect: { replace_after: 1h } }',
    { onDisconnect: { stopAfterMs: 0, replaceAfterMs: 3_600_000 } },
  ],
  ['no deadline', 'x-berth: { rollout_deadline: 0s }', { rolloutDeadlineMs: 0 }],
  [
    'a deadline that leaves time for many',
    'deploy: { replicas: 100, update_config: { delay: 5s } }',
    { rolloutDeadlineMs: 3 * (100 * 5000 + 99 * 5000) },
  ],
  [
    'a deadline that leaves time for the job',
    'deploy: { replicas: 60 }\nx-berth: { before: { command: [a] } }',
    { rolloutDeadlineMs: 3 * 60 * 5000 + 600_000 },
  ],
  [
    'others that have to be whole first',
    'depends_on: { db: { condition: service_healthy }, log: { condition: service_started }, cache: { condition: service_healthy, required: false } }',
    { dependsOn: ['db', 'log', 'cache'], waitsFor: ['db'] },
  ],
  ['others in a list', 'depends_on: [db]', { dependsOn: ['db'], waitsFor: [] }],
])('%s', (_, lines, spec) => {
  expect(deploy(lines)).toMatchObject(spec);
});

test('a release says all that the compiler decides', () => {
  const { updateConfig, rollbackConfig, rolloutDeadlineMs } = deploy('');
  const unsaid = emptyDocument('Release').deploy;
  expect([updateConfig.failureAction, rollbackConfig.failureAction]).not.toContain(unsaid.updateConfig.failureAction);
  expect(rolloutDeadlineMs).not.toBe(unsaid.rolloutDeadlineMs);
});

test.each<[string, string, RegExp]>([
  [
    'deploy: { update_config: { order: first } }',
    'bad-value deploy.update_config.order 2:35',
    /start-first, stop-first/,
  ],
  [
    `${PORT}deploy: { update_config: { order: start-first } }`,
    'bad-value deploy.update_config.order 3:35',
    /only one can have the host port 80; write stop-first/,
  ],
  [
    'networks: { a: { ipv4_address: 10.0.0.2 } }\ndeploy: { rollback_config: { order: start-first } }',
    'bad-value deploy.rollback_config.order 3:37',
    /only one can have the address 10\.0\.0\.2/,
  ],
  [
    'deploy: { update_config: { parallelism: -1 } }',
    'out-of-range deploy.update_config.parallelism 2:41',
    /0 to 1000000/,
  ],
  ['deploy: { update_config: { delay: 10 } }', 'bad-value deploy.update_config.delay 2:35', /no duration/],
  ['deploy: { update_config: { monitor: 48h } }', 'out-of-range deploy.update_config.monitor 2:37', /0 ms to 86400 s/],
  [
    'deploy: { update_config: { max_failure_ratio: 1.5 } }',
    'bad-value deploy.update_config.max_failure_ratio 2:47',
    /from 0 to 1/,
  ],
  [
    'deploy: { update_config: { max_failure_ratio: 20% } }',
    'bad-value deploy.update_config.max_failure_ratio 2:47',
    /from 0 to 1/,
  ],
  [
    'deploy: { update_config: { max_failure_ratio: 0.0005 } }',
    'bad-value deploy.update_config.max_failure_ratio 2:47',
    /finer than a thousandth/,
  ],
  [
    'deploy: { update_config: { failure_action: stop } }',
    'bad-value deploy.update_config.failure_action 2:44',
    /rollback, pause, continue/,
  ],
  [
    'deploy: { rollback_config: { failure_action: rollback } }',
    'bad-value deploy.rollback_config.failure_action 2:46',
    /nothing further to roll back to/,
  ],
  [
    'deploy: { update_config: { paralelism: 1 } }',
    'unknown-key deploy.update_config.paralelism 2:28',
    /did you mean "parallelism"/,
  ],
  ['deploy: { update_config: fast }', 'wrong-type deploy.update_config 2:26', /a map/],
  [
    'deploy: { placement: { preferences: [{ spread: node.hostname }] } }',
    'bad-value deploy.placement.preferences[0].spread 2:48',
    /over hosts in any case/,
  ],
  [
    'deploy: { placement: { preferences: [{ spread: zone }] } }',
    'bad-value deploy.placement.preferences[0].spread 2:48',
    /write node\.labels\.LABEL/,
  ],
  [
    'deploy: { placement: { preferences: [{}] } }',
    'missing-key deploy.placement.preferences[0].spread 2:38',
    /spread is missing/,
  ],
  [
    'deploy: { placement: { preferences: [{ spread: node.labels.a }, { spread: node.labels.a }] } }',
    'bad-value deploy.placement.preferences[1].spread 2:75',
    /over node\.labels\.a already/,
  ],
  [
    'deploy: { mode: global, placement: { max_replicas_per_node: 1 } }',
    'bad-value deploy.placement.max_replicas_per_node 2:61',
    /one instance on every host/,
  ],
  [
    'deploy: { placement: { constraints: [node.platform.cpu == x] } }',
    'bad-value deploy.placement.constraints[0] 2:38',
    /node\.platform\.cpu is not known/,
  ],
  [
    'deploy: { placement: { constraints: [node.platform.arch] } }',
    'bad-value deploy.placement.constraints[0] 2:38',
    /is no constraint; write/,
  ],
  [
    'deploy: { resources: { reservations: { generic_resources: [{ discrete_resource_spec: { kind: "a b", value: 0 } }] } } }',
    'bad-value deploy.resources.reservations.generic_resources[0].discrete_resource_spec.kind 2:94; out-of-range deploy.resources.reservations.generic_resources[0].discrete_resource_spec.value 2:108',
    /no name of a resource/,
  ],
  [
    'deploy: { resources: { reservations: { generic_resources: [{ discrete_resource_spec: { kind: a, value: 1 } }, { discrete_resource_spec: { kind: a, value: 1 } }] } } }',
    'bad-value deploy.resources.reservations.generic_resources[1].discrete_resource_spec.kind 2:145',
    /"a" is reserved already/,
  ],
  [
    'deploy: { resources: { reservations: { generic_resources: [{}] } } }',
    'missing-key deploy.resources.reservations.generic_resources[0].discrete_resource_spec 2:60',
    /is missing/,
  ],
  ['x-berth: { canary: -1 }', 'out-of-range x-berth.canary 2:20', /0 to/],
  ['x-berth: { auto_promote: true }', 'bad-value x-berth.auto_promote 2:26', /no canaries to promote/],
  ['x-berth: { before: {} }', 'missing-key x-berth.before.command 2:20', /command is missing/],
  ['x-berth: { before: { command: [] } }', 'bad-value x-berth.before.command 2:31', /empty/],
  ['x-berth: { before: { command: [a], timeout: 0s } }', 'out-of-range x-berth.before.timeout 2:45', /1000 ms to/],
  ['x-berth: { before: [migrate] }', 'wrong-type x-berth.before 2:20', /a map/],
  ['x-berth: { keep_away_from: [A_b] }', 'bad-value x-berth.keep_away_from[0] 2:29', /a DNS label/],
  ['x-berth: { keep_away_from: db }', 'wrong-type x-berth.keep_away_from 2:28', /a list/],
  ['x-berth: { on_disconnect: stop }', 'bad-value x-berth.on_disconnect 2:27', /none of keep, \{stop_after: 30s\}/],
  ['x-berth: { on_disconnect: {} }', 'missing-key x-berth.on_disconnect.stop_after 2:27', /write keep/],
  [
    'x-berth: { on_disconnect: { stop_after: 0s } }',
    'out-of-range x-berth.on_disconnect.stop_after 2:41',
    /1000 ms to/,
  ],
  [
    'x-berth: { on_disconnect: { stop_after: 1m, replace_after: 1m } }',
    'bad-value x-berth.on_disconnect.replace_after 2:60',
    /exclude each other/,
  ],
  [
    'deploy: { replicas: 10, update_config: { monitor: 1m, parallelism: 2 } }\nx-berth: { rollout_deadline: 5m }',
    'out-of-range x-berth.rollout_deadline 3:30',
    /5 batches take 300 s .* write more, or 0s/,
  ],
  [
    'depends_on: { db: { condition: service_completed_successfully } }',
    'bad-value depends_on.db.condition 2:32',
    /x-berth\.before/,
  ],
])('refuses %s', (lines, places, message) => {
  const compiled = compileService('web', `image: a\n${lines}`);
  const problems = compiled.ok ? [] : compiled.problems;
  expect(problems.map(({ rule, path, line, column }) => `${rule} ${path} ${line}:${column}`).join('; ')).toBe(places);
  expect(problems[0]!.message).toMatch(message);
});
