/** The loop, where Docker's answers are no reason to do again what was done: each of these could go round without end. */
import { desiredOf, hookOf, releaseOf } from '../test/support/desired';
import { loopHosts, over } from '../test/support/loop-host';
import type { ContainerSpec, Release } from '../lib/documents/types';
import type { Engine } from './docker/engine';

const make = loopHosts();
const HOOK = hookOf('/bin/bye');
const WEB = releaseOf('web');
const withContainer = (container: Partial<ContainerSpec>): Release => releaseOf('web', { container });

test('limits that Docker takes and does not apply, for want of a cgroup, are told once, and nothing else waits for them', async () => {
  const without = (engine: Engine): Engine =>
    over(engine, {
      list: async () => (await engine.list()).map((one) => ({ ...one, limits: { ...one.limits!, memoryBytes: 0 } })),
    });
  const host = make({ wrap: without });
  const limits = { nanoCpus: 0, memoryBytes: 64e6, pids: 0 };
  await host.want(desiredOf({ 'web-1': withContainer({ limits, postStart: [HOOK] }) }), 60_000);
  expect(host.begun).toEqual(['create web-1', 'update web-1', 'post_start web-1']);
  expect(host.statusOf('web-1')).toMatchObject({ phase: 'RUNNING' });
  expect(host.statusOf('web-1')?.reason).toMatch(/^Docker does not apply its limits/);
  const more = { ...limits, memoryBytes: 65e6 };
  await host.want(desiredOf({ 'web-1': withContainer({ limits: more, postStart: [HOOK] }) }), 60_000);
  expect(host.timesOf('update web-1')).toHaveLength(2);
});

test('limits that somebody changed by hand are put right each time', async () => {
  const host = make();
  await host.want(desiredOf({ 'web-1': withContainer({ limits: { nanoCpus: 0, memoryBytes: 64e6, pids: 9 } }) }), 2000);
  for (const pids of [5, 6]) {
    const container = host.containerOf('web-1')!;
    container.limits = { ...container.limits, pids };
    await host.clock.advance(60_000);
    expect(host.containerOf('web-1')?.limits.pids).toBe(9);
  }
});

test('a removal that takes Docker long is waited for, not asked for again and again', async () => {
  const slow = (engine: Engine): Engine => {
    let isRemoving = false;
    return over(engine, {
      remove: () => Promise.resolve(void (isRemoving = true)),
      list: async () => (await engine.list()).map((one) => (isRemoving ? { ...one, state: 'removing' } : one)),
    });
  };
  const host = make({ wrap: slow });
  await host.want(desiredOf({ 'web-1': WEB }), 2000);
  await host.want(desiredOf({}), 60_000);
  expect(host.timesOf('remove web-1')).toHaveLength(1);
  expect(host.statusOf('web-1')).toMatchObject({ phase: 'STOPPING', reason: 'Docker is removing it' });
});

test('post_start hooks are not run again for a container that Docker is slow to tell of', async () => {
  let isSlow = false;
  const slow = (engine: Engine): Engine =>
    over(engine, {
      list: async () => (await engine.list()).map((one) => (isSlow ? { ...one, startedAtMs: 0, ranForMs: 0 } : one)),
    });
  const host = make({ wrap: slow });
  await host.want(desiredOf({ 'web-1': withContainer({ postStart: [HOOK] }) }), 10_000);
  for (isSlow of [true, false]) await host.clock.advance(60_000);
  expect(host.containerOf('web-1')?.commands).toHaveLength(1);
});
