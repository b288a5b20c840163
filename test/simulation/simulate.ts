/**
 * npm run simulate -- [--seeds N] [--from N] [--seed N]: the soak. Simulated lives, on every core, until
 * one goes against a guarantee: then its trace, and exit code 1. With --seed, that one alone, with its trace.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { report, runSeed } from './run-seed';

const BATCH = 5;
const TELL_EVERY_MS = 5000;

/** What a worker answers to the first seed of a batch and their number. */
type Answer = { readonly done: number } | { readonly failure: string };

interface Plan {
  readonly from: number;
  readonly seeds: number;
}

function readPlan(): Plan {
  const { values } = parseArgs({
    options: { seeds: { type: 'string' }, from: { type: 'string' }, seed: { type: 'string' } },
  });
  const numbers = Object.fromEntries(Object.entries(values).map(([name, text]) => [name, Number(text)]));
  for (const [name, value] of Object.entries(numbers))
    if (!Number.isSafeInteger(value) || value < 1) {
      console.error(`--${name} wants a whole number from 1 on`);
      process.exit(64);
    }
  const { seed, from = seed ?? 1, seeds = seed === undefined ? 1000 : 1 } = numbers;
  return { from, seeds };
}

async function runOne(seed: number): Promise<void> {
  const outcome = await runSeed(seed);
  console.log(report(seed, outcome));
  console.log(outcome.breaches.length === 0 ? '1 seed, 0 failures' : '1 seed, 1 failure');
  process.exitCode = outcome.breaches.length === 0 ? 0 : 1;
}

function soak({ from, seeds }: Plan): void {
  const startedMs = performance.now();
  let [next, done] = [from, 0];
  let isOver = false;
  const workers: ChildProcess[] = [];
  const rate = (): string =>
    `${done} of ${seeds} seeds, ${((done * 1000) / (performance.now() - startedMs)).toFixed(1)} a second`;
  const end = (summary: string, code: number): void => {
    if (isOver) return;
    isOver = true;
    clearInterval(telling);
    for (const worker of workers) worker.kill();
    console.log(summary);
    process.exitCode = code;
  };
  const feed = (worker: ChildProcess): void => {
    const count = Math.min(BATCH, from + seeds - next);
    if (count > 0) worker.send([next, count]);
    next += count;
  };
  const telling = setInterval(() => console.log(rate()), TELL_EVERY_MS);
  for (let index = 0; index < availableParallelism(); index++) {
    const worker = fork(__filename, ['worker'], { execArgv: process.execArgv });
    workers.push(worker);
    worker.on('message', (answer: Answer) => {
      if ('failure' in answer) return end(`${answer.failure}\n\n${rate()}, 1 failure`, 1);
      done += answer.done;
      if (done === seeds) return end(`${rate()}\n${seeds} seeds, 0 failures`, 0);
      feed(worker);
    });
    worker.on('exit', (code) => end(`a worker ended by itself, with ${code}, while at the seeds before ${next}`, 1));
    feed(worker);
  }
}

function work(): void {
  process.on('disconnect', () => process.exit());
  process.on('message', ([first, count]: [number, number]) => void workThrough(first, count));
}

async function workThrough(first: number, count: number): Promise<void> {
  for (let seed = first; seed < first + count; seed++) {
    const outcome = await runSeed(seed);
    if (outcome.breaches.length > 0) return void process.send!({ failure: report(seed, outcome) } satisfies Answer);
  }
  process.send!({ done: count } satisfies Answer);
}

if (process.argv[2] === 'worker') work();
else {
  const plan = readPlan();
  if (plan.seeds === 1) void runOne(plan.from);
  else soak(plan);
}
