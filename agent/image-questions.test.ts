import { silentLogger } from '../lib/log';
import { createFakeClock, type FakeClock } from '../test/support/fake-clock';
import { over } from '../test/support/loop-host';
import { EngineError } from './docker/engine';
import { MemoryDocker } from './docker/simulated/memory-docker';
import { createMemoryEngine } from './docker/simulated/memory-engine';
import { ImageQuestions } from './image-questions';

const ASKING_MS = 1000;

let clock: FakeClock;
let docker: MemoryDocker;
/** Images that were asked for, and signals of those questions. */
let asked: string[];
let signals: AbortSignal[];
let told: number;
let questions: ImageQuestions;

beforeEach(() => {
  clock = createFakeClock();
  docker = new MemoryDocker({ clock, latencyMs: { resolveDigest: ASKING_MS } });
  docker.registry.add('web:1');
  [asked, signals, told] = [[], [], 0];
  const engine = createMemoryEngine(docker, { host: 'h1', prefix: '/test' });
  questions = new ImageQuestions({
    log: silentLogger,
    engine: over(engine, {
      resolveDigest: (image, signal) => {
        asked.push(image);
        signals.push(signal);
        return engine.resolveDigest(image, signal);
      },
    }),
    onAnswer: () => told++,
  });
});

test('a question is asked once, and its answer stays until it is asked no more', async () => {
  for (let time = 0; time < 3; time++) {
    questions.follow({ web: { image: 'web:1', question: 4 } });
    await clock.advance(ASKING_MS);
  }
  expect(asked).toEqual(['web:1']);
  expect(questions.answers).toEqual({ web: { question: 4, digest: docker.digestOf('web:1'), problem: '' } });
  expect(told).toBe(1);
  questions.follow({});
  expect(questions.answers).toEqual({});
});

test('another question about the same image is asked anew', async () => {
  questions.follow({ web: { image: 'web:1', question: 1 } });
  await clock.advance(ASKING_MS);
  const moved = `sha256:${'a'.repeat(64)}`;
  docker.digests.set('web:1', moved);
  questions.follow({ web: { image: 'web:1', question: 2 } });
  expect(questions.answers).toEqual({});
  await clock.advance(ASKING_MS);
  expect(questions.answers).toEqual({ web: { question: 2, digest: moved, problem: '' } });
});

test('what no registry knows, and what can not be asked, is an answer', async () => {
  docker.fail('resolveDigest', new EngineError('unavailable', 'no Docker Engine answers'));
  questions.follow({ a: { image: 'web:1', question: 1 }, b: { image: 'nowhere:1', question: 1 } });
  await clock.advance(ASKING_MS);
  expect(questions.answers).toEqual({
    a: { question: 1, digest: '', problem: 'no Docker Engine answers' },
    b: { question: 1, digest: '', problem: 'manifest unknown: nowhere:1' },
  });
  await clock.advance(60_000);
  expect(asked).toHaveLength(2);
});

test('a question that is taken back or replaced while it is asked ends, and its answer counts for nothing', async () => {
  questions.follow({ web: { image: 'web:1', question: 1 }, api: { image: 'web:1', question: 1 } });
  await clock.advance(ASKING_MS / 2);
  questions.follow({ web: { image: 'nowhere:1', question: 2 } });
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false]);
  await clock.advance(2 * ASKING_MS);
  expect(questions.answers).toEqual({ web: { question: 2, digest: '', problem: 'manifest unknown: nowhere:1' } });
  expect(told).toBe(1);
});

test('G10: of many, eight are asked at once, and all in the end', async () => {
  const all = Array.from({ length: 30 }, (_, index) => [`s${index}`, { image: 'web:1', question: 1 }] as const);
  questions.follow(Object.fromEntries(all));
  expect(asked).toHaveLength(8);
  await clock.advance(4 * ASKING_MS);
  expect(Object.keys(questions.answers)).toHaveLength(30);
  expect(asked).toHaveLength(30);
});

test('nothing is told after the end', async () => {
  questions.follow({ web: { image: 'web:1', question: 1 } });
  questions.close();
  await clock.advance(2 * ASKING_MS);
  expect([told, signals[0]!.aborted, questions.answers]).toEqual([0, true, {}]);
});
