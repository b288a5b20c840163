import { StoreError } from '../lib/etcd/store';
import { createFakeClock, type FakeClock } from '../test/support/fake-clock';
import { CutOff } from './cut-off';

let clock: FakeClock;
let claim: { isOurs: boolean; aliveMs: number | undefined };
let answers: (boolean | StoreError)[];
let asked: number;
let changes: number;
let cutOff: CutOff;

beforeEach(() => {
  clock = createFakeClock();
  claim = { isOurs: false, aliveMs: undefined };
  [answers, asked, changes] = [[], 0, 0];
  cutOff = new CutOff({
    ...{ clock, claim },
    confirm: async () => {
      asked++;
      const answer = answers.shift() ?? true;
      await new Promise<void>((done) => void clock.after(10, done));
      if (answer instanceof StoreError) throw answer;
      return answer;
    },
    onChange: () => changes++,
  });
});
afterEach(() => cutOff.stop());

function hold(aliveMs = clock.monotonicMs()): void {
  Object.assign(claim, { isOurs: true, aliveMs });
  cutOff.check();
}
function lose(): void {
  claim.isOurs = false;
  cutOff.check();
}

test('a new agent is cut off since it began, until it has a lease and has read its assignment', async () => {
  const [sinceMs, atMs] = [clock.monotonicMs(), clock.wallMs()];
  await clock.advance(5000);
  expect(cutOff.current).toEqual({ sinceMs, atMs, hadLease: false, isLeaseBack: false });
  hold();
  expect(cutOff.current).toBeDefined();
  await clock.advance(10);
  expect(cutOff.current).toBeUndefined();
  expect([asked, changes]).toEqual([1, 1]);
});

test('a lost lease counts from when it can last have been renewed, also for one who is told late', async () => {
  hold();
  await clock.advance(10_000);
  claim.aliveMs = clock.monotonicMs() - 4000;
  claim.isOurs = false;
  expect(cutOff.current).toEqual({
    sinceMs: claim.aliveMs,
    atMs: clock.wallMs() - 4000,
    hadLease: true,
    isLeaseBack: false,
  });
  await clock.advance(60_000);
  expect(cutOff.current?.sinceMs).toBe(claim.aliveMs);
});

test('a lease that is back ends no cut before the assignment in hand is the one that is there', async () => {
  hold();
  await clock.advance(10);
  lose();
  const { sinceMs } = cutOff.current!;
  answers = [false, false];
  await clock.advance(60_000);
  hold();
  await clock.advance(1000);
  expect(cutOff.current?.sinceMs).toBe(sinceMs);
  cutOff.check();
  await clock.advance(1000);
  expect(cutOff.current?.sinceMs).toBe(sinceMs);
  cutOff.check();
  await clock.advance(10);
  expect(cutOff.current).toBeUndefined();
});

test('without an answer it is asked again, and at rest nothing is', async () => {
  answers = [new StoreError('unavailable', 'no'), new StoreError('unavailable', 'no')];
  hold();
  await clock.advance(500);
  expect(asked).toBe(1);
  await clock.advance(3000);
  expect([asked, cutOff.current]).toEqual([3, undefined]);
  for (let time = 0; time < 5; time++) cutOff.check();
  await clock.advance(60_000);
  expect(asked).toBe(3);
});

test('a lease that is back for a moment counts, though the assignment was not read', async () => {
  hold();
  await clock.advance(10);
  lose();
  await clock.advance(60_000);
  answers = [false];
  const backMs = clock.monotonicMs();
  hold(backMs);
  await clock.advance(1000);
  expect(cutOff.current).toMatchObject({ isLeaseBack: true });
  lose();
  expect(cutOff.current).toMatchObject({ sinceMs: backMs, isLeaseBack: false, hadLease: true });
});

test('an answer that comes when the lease is lost again counts for nothing', async () => {
  hold();
  await clock.advance(5);
  lose();
  await clock.advance(1000);
  expect([cutOff.current === undefined, changes]).toEqual([false, 0]);
  hold();
  await clock.advance(20);
  expect(cutOff.current).toBeUndefined();
});

test('nothing is asked after the end', async () => {
  cutOff.stop();
  hold();
  await clock.advance(1000);
  expect(asked).toBe(0);
});
