/** Production coordinators and agents over simulated etcd, Docker and time. BERTH_SEEDS=1000, or BERTH_SEED=42 for one with its trace. */
import { runSeed } from './run-seed';

const SEEDS = Number(process.env['BERTH_SEEDS'] ?? 200);
const ONLY = process.env['BERTH_SEED'];
const BATCH = 10;

const firsts =
  ONLY === undefined
    ? Array.from({ length: Math.ceil(SEEDS / BATCH) }, (_, batch) => batch * BATCH + 1)
    : [Number(ONLY)];

test.each(firsts)(
  'G1, G2, G3, G6: faults by chance, then all comes right and rests (seeds from %d)',
  async (first) => {
    const count = ONLY === undefined ? BATCH : 1;
    for (let seed = first; seed < first + count; seed++) {
      const { breaches, trace } = await runSeed(seed);
      if (breaches.length > 0)
        throw new Error(
          `seed ${seed} (BERTH_SEED=${seed} runs it alone)\n${trace.join('\n')}\n\n${breaches.join('\n')}`,
        );
    }
  },
  120_000,
);
