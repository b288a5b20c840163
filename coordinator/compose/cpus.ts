import type { Parsed } from './read';

const MAX_CPUS = 1_000_000;

/** "0.5" → billionths of a CPU. */
export function parseNanoCpus(text: string): Parsed<number> {
  const cpus = /^(?:\d+(?:\.\d*)?|\.\d+)$/.test(text) ? Number(text) : 0;
  const nano = Math.round(cpus * 1e9);
  return nano > 0 && cpus <= MAX_CPUS ? nano : { problem: `"${text}" is no number of CPUs above 0; write 0.5 or 2` };
}
