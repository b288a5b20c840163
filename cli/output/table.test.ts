import { alignRows, wantsColors } from './table';

test('columns stand under each other, whatever their colour, and lines have no tail', () => {
  expect(
    alignRows([
      ['NAME', 'PORTS', 'REASON'],
      ['web', '\u001b[32m1→2\u001b[39m', ''],
      ['a-long-name', '-', 'because'],
    ]),
  ).toEqual(['NAME          PORTS   REASON', 'web           \u001b[32m1→2\u001b[39m', 'a-long-name   -       because']);
});

test('a fleet takes no time', () => {
  const startedMs = performance.now();
  expect(alignRows(Array.from({ length: 100_000 }, (_, at) => [`web-${at}`, 'running', 'a reason']))).toHaveLength(
    100_000,
  );
  expect(performance.now() - startedMs).toBeLessThan(3000);
});

test.each<[string, NodeJS.ProcessEnv, boolean | undefined, boolean]>([
  ['a terminal', {}, true, true],
  ['a pipe', {}, false, false],
  ['a pipe in CI', { CI: 'true' }, false, false],
  ['NO_COLOR', { NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
  ['an empty NO_COLOR, which says nothing', { NO_COLOR: '' }, true, true],
  ['FORCE_COLOR', { FORCE_COLOR: '1' }, false, true],
  ['a pipe, of which Node says nothing', { CI: 'true' }, undefined, false],
  ['a terminal without colours', { TERM: 'dumb' }, true, false],
])('colours: %s', (_, env, isTerminal, wanted) => {
  expect(wantsColors(env, isTerminal)).toBe(wanted);
});
