import { isOver, type Figure } from './figure';
import { jsonOf, rowsOf } from './report';
import { summarise } from './statistics';

const figure: Figure = {
  what: 'a start',
  unit: 'ms',
  measured: { value: 262.4, spread: [255, 270.6] },
  against: { value: 250, what: 'the same without Berth' },
  budget: { of: 'ratio', max: 1.1 },
};

test('a row says what was measured, beside what, and whether that is good', () => {
  const [row] = rowsOf([{ benchmark: 'start', figures: [figure] }]);
  expect(row).toEqual([
    ...['start', 'a start', '262 ms (255–271)', '250 ms the same without Berth', '1.05', '≤ 1.10 ×'],
    expect.stringContaining('ok'),
  ]);
});

test.each<[string, Partial<Figure>, boolean]>([
  ['a ratio within', {}, false],
  ['a ratio at the budget', { measured: { value: 275 }, budget: { of: 'ratio', max: 1.1 } }, false],
  ['a ratio over', { measured: { value: 276 } }, true],
  ['a value within, whatever the ratio', { budget: { of: 'value', max: 300 }, against: { value: 1, what: '' } }, false],
  ['a value over', { budget: { of: 'value', max: 200 } }, true],
  ['nothing, where nothing is wanted', { measured: { value: 0 }, budget: { of: 'value', max: 0 } }, false],
  ['no number', { measured: { value: NaN }, budget: { of: 'value', max: 1 } }, true],
])('%s', (_, change, over) => {
  expect(isOver({ ...figure, ...change })).toBe(over);
});

test('what is compared with nothing has no ratio', () => {
  const rest: Figure = { ...figure, against: { value: 0, what: 'wanted' }, budget: { of: 'value', max: 300 } };
  expect(rowsOf([{ benchmark: 'rest', figures: [rest] }])[0]).toContain('-');
  expect(jsonOf([{ benchmark: 'rest', figures: [rest] }])).toMatchObject([{ ratio: null, isOver: false }]);
});

test.each([
  [[5], { count: 1, p50: 5, p25: 5, p75: 5, p99: 5 }],
  [[4, 1, 3, 2], { count: 4, p50: 2.5, p25: 1.75, p75: 3.25, p99: expect.closeTo(3.97) }],
])('the middle of %j lies between neighbours', (samples, series) => {
  expect(summarise(samples)).toEqual(series);
});
