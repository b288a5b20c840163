import { Shares } from './shares';

/** @returns how much it gets */
function takeAll(shares: Shares, asker: string): number {
  let got = 0;
  while (shares.take(asker)) got++;
  return got;
}

test('one alone gets half, and there is always room for the next one', () => {
  const shares = new Shares(64);
  expect(['a', 'b', 'c', 'd'].map((asker) => takeAll(shares, asker))).toEqual([32, 16, 8, 4]);
  expect(takeAll(shares, 'a')).toBe(0);
});

test('what is given back can be had by anybody', () => {
  const shares = new Shares(8);
  expect([takeAll(shares, 'a'), takeAll(shares, 'b')]).toEqual([4, 2]);
  for (let at = 0; at < 4; at++) shares.giveBack('a');
  expect([takeAll(shares, 'b'), takeAll(shares, 'a')]).toEqual([2, 2]);
});

test('with no room left for a whole share, nobody gets any', () => {
  const shares = new Shares(1);
  expect([shares.take('a'), shares.take('b')]).toEqual([true, false]);
  shares.giveBack('a');
  expect(shares.take('b')).toBe(true);
});
