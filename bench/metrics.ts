/** How long a scrape of a full host takes. */
import { startBareNode } from './bare-node';
import type { Benchmark } from './benchmark';
import { CONTAINERS, type FullHost } from './full-host';
import { get } from './http-get';
import { summarise } from './statistics';

const BUDGET_MS = 50;
const SCRAPES = 500;
const WARM_UP = 20;

export const metrics: Benchmark<FullHost> = {
  name: 'metrics',
  async run(host, _effort, say) {
    say(`metrics: ${SCRAPES} scrapes`);
    const page = JSON.stringify(await host.metrics());
    const bare = await startBareNode(
      `const page = ${page}; const server = require('node:http').createServer((_, answer) => answer.end(page));` +
        `server.listen(0, '127.0.0.1', () => console.log(server.address().port));`,
    );
    try {
      const urls = { berth: host.metricsUrl, bare: `http://127.0.0.1:${bare.line}/` };
      const times = { berth: [] as number[], bare: [] as number[] };
      for (let scrape = -WARM_UP; scrape < SCRAPES; scrape++)
        for (const who of ['berth', 'bare'] as const) {
          const startedMs = performance.now();
          await get(urls[who]);
          if (scrape >= 0) times[who].push(performance.now() - startedMs);
        }
      return [
        {
          what: `/metrics with ${CONTAINERS} containers, p99 of ${SCRAPES}`,
          unit: 'ms',
          measured: { value: summarise(times.berth).p99 },
          against: { value: summarise(times.bare).p99, what: 'bare Node, same page' },
          budget: { of: 'value', max: BUDGET_MS },
        },
      ];
    } finally {
      bare.stop();
    }
  },
};
