/** What a host that has nothing to do costs: memory, CPU, and writes to etcd. */
import { sleep } from '../test/support/wait';
import { startBareNode } from './bare-node';
import type { Benchmark } from './benchmark';
import type { Figure } from './figure';
import { CONTAINERS, type FullHost } from './full-host';
import { cpuMs, residentMb } from './process-usage';

const MEMORY_BUDGET_MB = 80;
const CPU_BUDGET_PERCENT = 0.5;
const IDLE_SCRIPT = 'setInterval(() => {}, 1e6); console.log("here")';

export const rest: Benchmark<FullHost> = {
  name: 'rest',
  async run(host, { restSeconds }, say) {
    say(`rest: looking on for ${restSeconds} s`);
    const bare = await startBareNode(IDLE_SCRIPT);
    try {
      const pids = { agent: host.agent.pid, coordinator: host.coordinator.pid, bare: bare.pid };
      const startedMs = performance.now();
      const before = { agent: cpuMs(pids.agent), coordinator: cpuMs(pids.coordinator), bare: cpuMs(pids.bare) };
      const indexBefore = await host.raftIndex();
      await sleep(restSeconds * 1000);
      const writes = (await host.raftIndex()) - indexBefore;
      const elapsedMs = performance.now() - startedMs;
      const percent = (who: keyof typeof pids): number => ((cpuMs(pids[who]) - before[who]) / elapsedMs) * 100;
      const bareNode = { memory: residentMb(pids.bare), cpu: percent('bare') };
      const daemon = (who: 'agent' | 'coordinator'): readonly Figure[] => [
        {
          what: `${who} with ${CONTAINERS} containers, memory (RSS)`,
          unit: 'MB',
          measured: { value: residentMb(pids[who]) },
          against: { value: bareNode.memory, what: 'bare Node' },
          budget: { of: 'value', max: MEMORY_BUDGET_MB },
        },
        {
          what: `${who} at rest, CPU over ${restSeconds} s`,
          unit: '% of a core',
          measured: { value: percent(who) },
          against: { value: bareNode.cpu, what: 'bare Node' },
          budget: { of: 'value', max: CPU_BUDGET_PERCENT },
        },
      ];
      return [
        ...daemon('agent'),
        ...daemon('coordinator'),
        {
          what: `cluster at rest, Raft entries in ${restSeconds} s`,
          unit: 'writes',
          measured: { value: writes },
          against: { value: 0, what: 'wanted' },
          budget: { of: 'value', max: 0 },
        },
      ];
    } finally {
      bare.stop();
    }
  },
};
