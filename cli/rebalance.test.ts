/** What `berth rebalance` prints and asks for. */
import type { RebalanceRequest, RebalanceResponse } from '../lib/rpc/types';
import { berth, FRESH } from '../test/support/fake-coordinator';

const MOVES = [
  { id: 'web-1-a', service: 'web', from: 'h1', to: 'h3', reason: '3 of web are on h1, and 0 on h3' },
  { id: 'db-2-long', service: 'db', from: 'h2', to: 'h3', reason: 'h2 does not satisfy node.labels.disk == ssd' },
];

async function run(moves: RebalanceResponse['moves'], ...args: readonly string[]) {
  const asked: RebalanceRequest[] = [];
  const rebalance = async (request: RebalanceRequest): Promise<RebalanceResponse> => {
    asked.push(request);
    return { moves, freshness: FRESH };
  };
  return { ...(await berth({ rebalance }, 'rebalance', ...args)), asked };
}

const TABLE = `INSTANCE    FROM   TO   WHY
web-1-a     h1     h3   3 of web are on h1, and 0 on h3
db-2-long   h2     h3   h2 does not satisfy node.labels.disk == ssd
`;

test('a preview, and how to do it', async () => {
  expect(await run(MOVES)).toMatchObject({
    asked: [{ maxMoves: 10, isPreview: true }],
    stdout: `${TABLE}\nNothing moved. To move them: berth rebalance --max-moves 10 --yes\n`,
  });
});

test('the moves', async () => {
  const { asked, stdout } = await run(MOVES, '--max-moves', '50', '--yes');
  expect(asked).toEqual([{ maxMoves: 50, isPreview: false }]);
  expect(stdout).toBe(
    `${TABLE}\nThey move within the update limits of their services; "berth services" shows how it comes along.\n`,
  );
});

test('nothing to do, bad usage, and JSON', async () => {
  expect((await run([])).stdout).toMatch(/^Nothing would be better off elsewhere\./);
  expect(await run([], '--max-moves', 'all')).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('"all" is no number of moves'),
  });
  expect(JSON.parse((await run(MOVES, '--json')).stdout)).toMatchObject({ moves: [{ id: 'web-1-a' }, {}] });
});
