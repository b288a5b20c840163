/** From the start of the agent's process until it is converged again, with nothing touched. */
import assert from 'node:assert/strict';
import { sleep, until } from '../test/support/wait';
import { bareNodeStartMs } from './bare-node';
import type { Benchmark } from './benchmark';
import { median, type Figure } from './figure';
import { CONTAINERS, isConverged, type FullHost } from './full-host';
import { residentMb } from './process-usage';
import { summarise } from './statistics';

const BUDGET_MS = 1000;
const MEMORY_BUDGET_MB = 80;
/** Of each kind. */
const RESTARTS = 7;
const SIGNALS = ['SIGTERM', 'SIGKILL'] as const;
const POLL_MS = 5;
const PATIENCE_MS = 30_000;
/** The agent writes what it has to, and V8 calms down. */
const SETTLE_MS = 3000;
/** V8 collects what the start left once it is at rest. */
const REST_MS = 15_000;

export const restart: Benchmark<FullHost> = {
  name: 'restart',
  async run(host, _effort, say) {
    say(`restart: ${RESTARTS} times after each of ${SIGNALS.join(' and ')}`);
    const times = { SIGTERM: [] as number[], SIGKILL: [] as number[] };
    const bareMs: number[] = [];
    for (let round = 0; round < RESTARTS; round++)
      for (const signal of SIGNALS) {
        times[signal].push(await restartMs(host, signal));
        bareMs.push(bareNodeStartMs());
      }
    const bare = { ...median(summarise(bareMs)), what: 'node -e 0' };
    const figures = SIGNALS.map((signal): Figure => ({
      what: `agent's start until converged after ${signal}, p50 of ${RESTARTS}`,
      unit: 'ms',
      measured: median(summarise(times[signal])),
      against: bare,
      budget: { of: 'value', max: BUDGET_MS },
    }));
    await sleep(REST_MS);
    return [...figures, ...memoryFigure(host)];
  },
};

/** An agent that found its containers running has made less garbage than one that started them. */
function memoryFigure(host: FullHost): readonly Figure[] {
  return [
    {
      what: `agent with ${CONTAINERS} containers, after a restart (RSS)`,
      unit: 'MB',
      measured: { value: residentMb(host.agent.pid) },
      against: { value: residentMb(process.pid), what: 'this benchmark' },
      budget: { of: 'value', max: MEMORY_BUDGET_MB },
    },
  ];
}

async function restartMs(host: FullHost, signal: NodeJS.Signals): Promise<number> {
  await host.agent.end(signal);
  const startedMs = performance.now();
  host.agent.spawn();
  for (;;) {
    const metrics = await host.metrics().catch(() => '');
    if (isConverged(metrics)) break;
    assert.ok(
      performance.now() - startedMs < PATIENCE_MS,
      `the agent does not converge: ${host.agent.output.slice(-2000)}`,
    );
    await sleep(POLL_MS);
  }
  const durationMs = performance.now() - startedMs;
  await sleep(SETTLE_MS);
  await verifyStatus(host);
  assert.equal(host.events.startedSince(startedMs), 0, 'a restart of the agent starts no container');
  return durationMs;
}

/** What the agent said in its metrics is what everybody reads in etcd. */
async function verifyStatus({ cluster }: FullHost): Promise<void> {
  await until('the status answers the assignment', async () => {
    const [status, assignment] = [await cluster.hostStatus(), await cluster.assignment()];
    const phases = Object.values(status?.instances ?? {}).map(({ phase }) => phase);
    const isAnswer = status !== undefined && status.assignmentRevision === assignment?.revision;
    return isAnswer && phases.length === CONTAINERS && phases.every((phase) => phase === 'RUNNING');
  });
}
