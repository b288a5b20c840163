/** When a pull counts as silent: a registry that hangs is told from one that Docker has not come to yet. */
import { PassThrough } from 'node:stream';
import { createFakeClock, type FakeClock } from '../../../test/support/fake-clock';
import { followPull, type LastHeard } from './pull-stream';

const SILENCE_MS = 60_000;
const never = new AbortController().signal;
const line = (id: string, status: string): object => ({ id, status });
const QUEUED = [line('a', 'Pulling fs layer'), line('a', 'Waiting')];
const HANGING = [line('b', 'Pulling fs layer')];

let clock: FakeClock;
let heard: LastHeard;
beforeEach(() => {
  clock = createFakeClock();
  heard = { atMs: -Infinity };
});

class Pull {
  readonly stream = new PassThrough();
  readonly told: string[] = [];
  /** Empty while it goes on; "done" or what went wrong. */
  outcome = '';

  constructor(lines: readonly object[]) {
    const onProgress = (progress: string): void => void this.told.push(progress);
    followPull({ stream: this.stream, clock, silenceMs: SILENCE_MS, heard, signal: never, onProgress }).then(
      () => (this.outcome = 'done'),
      (error: Error) => (this.outcome = error.message),
    );
    this.say(...lines);
  }

  say(...lines: readonly object[]): void {
    for (const each of lines) this.stream.write(`${JSON.stringify(each)}\n`);
  }
}

/** Of time, with something from the pull's registry every ten seconds. */
async function comesFor(pull: Pull, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 10_000) {
    pull.say({ id: 'x', status: 'Downloading', progressDetail: { current: passed, total: ms } });
    await clock.advance(10_000);
  }
}

test('a registry that says nothing is given up', async () => {
  const pull = new Pull(HANGING);
  await clock.advance(SILENCE_MS - 1000);
  expect(pull.outcome).toBe('');
  await clock.advance(1000);
  expect(pull.outcome).toBe('nothing came from the registry for 60 s');
  expect(clock.pending).toBe(0);
});

test('what waits for other downloads is not silent while they come, and says so', async () => {
  const slow = new Pull([]);
  const [queued, hanging] = [new Pull(QUEUED), new Pull([...QUEUED, ...HANGING])];
  await comesFor(slow, 300_000);
  expect(queued.outcome).toBe('');
  expect(queued.told).toEqual(['0 of 1 layers, waits for other downloads']);
  expect(hanging.outcome).toMatch(/^nothing came/);
  queued.say(line('a', 'Pull complete'));
  queued.stream.end();
  await clock.advance(0);
  expect(queued.outcome).toBe('done');
});

test('when nothing comes of the others either, all are given up', async () => {
  const [hanging, queued] = [new Pull(HANGING), new Pull(QUEUED)];
  await clock.advance(SILENCE_MS);
  expect([hanging.outcome, queued.outcome]).toEqual([expect.stringMatching(/60 s$/), expect.stringMatching(/60 s$/)]);
});

test('one that has waited for ten times as long is given up all the same: it may hang, which Docker does not say', async () => {
  const [slow, queued] = [new Pull([]), new Pull(QUEUED)];
  await comesFor(slow, 10 * SILENCE_MS - 10_000);
  expect(queued.outcome).toBe('');
  await comesFor(slow, 20_000);
  expect(queued.outcome).toBe('nothing came from the registry for 600 s');
  expect(slow.outcome).toBe('');
});
