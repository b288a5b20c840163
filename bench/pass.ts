/** CPU of one reconcile pass over a full host. */
import assert from 'node:assert/strict';
import { sleep } from '../test/support/wait';
import type { Benchmark } from './benchmark';
import { dockerCall } from './docker-api';
import { CONTAINERS, metricOf, type FullHost } from './full-host';
import { cpuMs } from './process-usage';

const BUDGET_MS = 20;
const PASSES = 150;
/** Longer than a pass, so that each event gets one of its own. */
const EVERY_MS = 100;
const PASSES_METRIC = 'berth_agent_reconcile_duration_seconds_count';

export const pass: Benchmark<FullHost> = {
  name: 'pass',
  async run(host, _effort, say) {
    say(`pass: ${PASSES} events of Docker, ${EVERY_MS} ms apart`);
    const [first] = await host.cluster.containers();
    const { pid } = host.agent;
    const passesBefore = metricOf(await host.metrics(), PASSES_METRIC);
    const cpuBefore = cpuMs(pid);
    let bareMs = 0;
    for (let sent = 0; sent < PASSES; sent++) {
      // Changes nothing, and tells of it: the agent has to look.
      await dockerCall('POST', `/containers/${first!.id}/update`, { PidsLimit: 4096 });
      await sleep(EVERY_MS / 2);
      bareMs += await listCpuMs(host.cluster.prefix);
      await sleep(EVERY_MS / 2);
    }
    // Everything that the agent does meanwhile counts: leases, watches, this scrape.
    const spentMs = cpuMs(pid) - cpuBefore;
    const passes = metricOf(await host.metrics(), PASSES_METRIC) - passesBefore;
    assert.ok(passes >= PASSES / 2, `${PASSES} events made ${passes} passes`);
    return [
      {
        what: `CPU of a pass over ${CONTAINERS} containers, mean of ${passes}`,
        unit: 'ms',
        measured: { value: spentMs / passes },
        against: { value: bareMs / PASSES, what: 'one list of Docker, parsed' },
        budget: { of: 'value', max: BUDGET_MS },
      },
    ];
  },
};

async function listCpuMs(prefix: string): Promise<number> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`berth.prefix=${prefix}`] }));
  const before = process.cpuUsage();
  await dockerCall('GET', `/containers/json?all=1&filters=${filters}`);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
