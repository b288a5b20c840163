/** Budget: `berth version` within 150 ms. Measured beside bare Node, since a busy machine slows both. */
import { spawnSync } from 'node:child_process';
import { BERTH } from '../support/daemon';

const RUNS = 9;
const BUDGET_MS = 150;
/** What bare Node needs on the machine that the budget was set for. */
const USUAL_NODE_MS = 45;

function medianMs(...args: string[]): number {
  const times = Array.from({ length: RUNS }, () => {
    const startedMs = performance.now();
    expect(spawnSync(process.execPath, args).status).toBe(0);
    return performance.now() - startedMs;
  });
  return times.sort((a, b) => a - b)[Math.floor(RUNS / 2)]!;
}

test('berth version starts within its budget', () => {
  const bareMs = medianMs('-e', '0');
  expect(medianMs(BERTH, 'version')).toBeLessThan(BUDGET_MS * Math.max(1, bareMs / USUAL_NODE_MS));
}, 60_000);
