import { emptyDocument } from '../../lib/documents/codec';
import type { Release } from '../../lib/documents/types';
import { RolloutWorld, wanted } from '../../test/support/rollout-world';
import { compileService } from '../compose/compile';
import { begun } from './aim';
import { deadlineInMs } from './judge';
import { limitsOf } from './limits';

function release(lines: string): Release {
  const compiled = compileService('web', `image: a\n${lines}`);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  return { ...emptyDocument('Release'), container: compiled.container, deploy: compiled.deploy };
}

test.each([
  ['a few instances', 'deploy: { mode: global }', 3, 600],
  ['more than its deadline leaves time for', 'deploy: { mode: global }', 200, 3 * 200 * 5],
  ['many, all at once', 'deploy: { mode: global, update_config: { parallelism: 0 } }', 200, 600],
  ['a deadline of its own', 'deploy: { mode: global }\nx-berth: { rollout_deadline: 1h }', 200, 3600],
  ['no deadline', 'deploy: { mode: global }\nx-berth: { rollout_deadline: 0s }', 200, undefined],
  ['a count that the document knows', 'deploy: { replicas: 3 }', 200, 600],
])('until its deadline, with %s', (_, lines, total, seconds) => {
  const target = release(lines);
  const limits = limitsOf(target);
  const rollout = { ...begun(1, 2, 1000), phase: 'moving', total };
  const leftMs = deadlineInMs({ kind: 'update', target, limits, wallMs: 1000 }, rollout);
  expect(leftMs).toBe(seconds === undefined ? undefined : seconds * 1000);
});

/** A service of 300, of which more fail than are noted. */
function manyFail(update: Parameters<typeof wanted>[1]): RolloutWorld {
  const limits = { parallelism: 60, monitorMs: 1000, ...update };
  const world = new RolloutWorld().put('web', wanted('good:1', limits, { replicas: 300 })).run(5000);
  return world.put('web', wanted('bad:2', limits, { replicas: 300 })).run(60_000);
}

test('of more failures than are noted, each counts: a third of 300 may fail, and then the rollout goes back', () => {
  const world = manyFail({ maxFailurePerMille: 400 });
  expect([world.status().rollout, world.releasesOf()]).toEqual(['rolled-back', { 1: 300 }]);
  expect(world.move()!.reason).toMatch(/^web@2 failed: 180 instances, the first of them web-\d+-\w+ on h\d: exited/);
  expect(Object.keys(world.move()!.failures)).toHaveLength(100);
});

test('of more failures than are noted, none holds up a rollout that goes on in spite of them', () => {
  const world = manyFail({ failureAction: 'continue' });
  expect(world.releasesOf()).toEqual({ 1: 300, 2: 300 });
});
