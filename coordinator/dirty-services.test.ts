import { DirtyServices } from './dirty-services';

let dirty: DirtyServices;
beforeEach(() => {
  dirty = new DirtyServices(() => 1);
  for (const service of ['a', 'b', 'c']) dirty.mark(service);
});

/** Plans at this time; those named `bad` take the whole plan down with them. */
function turn(nowMs: number, bad: readonly string[], isOfAll = false): readonly string[] | number | undefined {
  const next = dirty.take(nowMs);
  if (next === undefined || 'waitMs' in next) return next?.waitMs;
  if (isOfAll || next.services.some((service) => bad.includes(service))) dirty.failed(next.services, nowMs, isOfAll);
  else dirty.succeeded(next.services);
  return next.services;
}

test('all that are dirty are planned at once, and then none', () => {
  expect(turn(0, [])).toEqual(['a', 'b', 'c']);
  expect(turn(0, [])).toBeUndefined();
});

test('a failure is waited out by all, longer each time', () => {
  expect(turn(0, ['b'])).toHaveLength(3);
  expect(turn(0, ['b'])).toBe(100);
  expect(turn(100, ['b'])).toHaveLength(3);
  expect(turn(100, ['b'])).toBe(200);
});

test('G6: one that fails again and again is found, and waits alone from then on', () => {
  for (const nowMs of [0, 100, 300]) expect(turn(nowMs, ['b'])).toHaveLength(3);
  expect([turn(300, ['b']), turn(300, ['b']), turn(300, ['b'])]).toEqual([['a'], ['b'], ['c']]);
  expect(turn(300, ['b'])).toBe(100);
  dirty.mark('a');
  expect(turn(301, ['b'])).toEqual(['a']);
  expect(turn(400, ['b'])).toEqual(['b']);
  expect(turn(400, ['b'])).toBe(200);
  dirty.mark('a');
  dirty.mark('c');
  expect(turn(401, ['b'])).toEqual(['a', 'c']);
  expect(turn(600, [])).toEqual(['b']);
  for (const service of ['a', 'b']) dirty.mark(service);
  expect(turn(600, [])).toEqual(['a', 'b']);
});

test('with etcd away nobody is blamed', () => {
  let nowMs = 0;
  for (let round = 0; round < 10; round++) {
    expect(turn(nowMs, [], true)).toHaveLength(3);
    nowMs += turn(nowMs, []) as number;
  }
  expect(nowMs).toBeLessThanOrEqual(10 * 5000);
  expect(turn(nowMs, [])).toHaveLength(3);
});

test('a leader that comes anew starts without blame', () => {
  for (const nowMs of [0, 100, 300, 300, 300, 300]) turn(nowMs, ['b']);
  dirty.clear();
  expect(turn(300, [])).toBeUndefined();
  dirty.mark('b');
  expect(turn(300, [])).toEqual(['b']);
});

test('one that waits for a time is planned then, or with what happens before', () => {
  expect(turn(0, [])).toEqual(['a', 'b', 'c']);
  dirty.markAt('b', 500);
  dirty.markAt('c', 900);
  expect(turn(0, [])).toBe(500);
  expect(turn(500, [])).toEqual(['b']);
  expect(turn(500, [])).toBe(400);
  dirty.mark('c');
  expect(turn(600, [])).toEqual(['c']);
  expect(turn(900, [])).toBeUndefined();
});

test('a time to come is not slept over while another one fails', () => {
  for (const nowMs of [0, 100, 300, 300, 300, 300]) turn(nowMs, ['b']);
  dirty.markAt('a', 350);
  expect(turn(300, ['b'])).toBe(50);
  expect(turn(350, ['b'])).toEqual(['a']);
});
