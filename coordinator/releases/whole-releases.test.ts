import { emptyDocument } from '../../lib/documents/codec';
import { withWholeReleases } from './whole-releases';

const status = (currentRelease: number, wholeReleases: readonly number[] = []) => ({
  ...emptyDocument('ServiceStatus'),
  ...{ currentRelease, wholeReleases },
});
const there = (...numbers: readonly number[]) =>
  new Map(numbers.map((number) => [number, { ...emptyDocument('Release'), number }]));

test.each([
  ['none before the first was whole', status(0), undefined, there(1), []],
  ['the first', status(1), status(0), there(1), [1]],
  ['the next, with the one before', status(3), status(2, [1, 2]), there(1, 2, 3), [1, 2, 3]],
  ['not one that never was: it was superseded, or failed', status(3), status(1, [1]), there(1, 2, 3), [1, 3]],
  ['an older one again', status(2), status(3, [2, 3]), there(2, 3), [2, 3]],
  ['no longer one that is gone', status(12), status(12, [1, 2, 12]), there(2, 12), [2, 12]],
  ['what a status from before this was kept says', status(5), status(4), there(4, 5), [4, 5]],
  ['the current one, though it can not be read', status(4), status(4, [4]), undefined, [4]],
])('whole are %s', (_, planned, before, releases, whole) => {
  expect(withWholeReleases(planned, before, releases).wholeReleases).toEqual(whole);
});
