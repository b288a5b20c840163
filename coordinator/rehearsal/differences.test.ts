import { emptyDocument } from '../../lib/documents/codec';
import type { Release } from '../../lib/documents/types';
import type { Placement } from '../view';
import { differencesOf } from './differences';

const empty = emptyDocument('Release');
const LIMITS = { nanoCpus: 0, memoryBytes: 64, pids: 0 };
const RELEASES: Readonly<Record<number, Release>> = {
  1: { ...empty, number: 1, container: { ...empty.container, image: 'a:1' } },
  2: {
    ...empty,
    number: 2,
    container: { ...empty.container, image: 'a:2', user: 'x', workingDir: '/', hostname: 'h' },
  },
  3: { ...empty, number: 3, container: { ...empty.container, image: 'a:1', limits: LIMITS } },
};

/** "x 1 h1 @1": an id, its slot, its host and its release. */
function placed(texts: readonly string[]): readonly Placement[] {
  return texts.map((text) => {
    const [id = '', slot, host = '', release = ''] = text.split(' ');
    const known = { id, slot: Number(slot), host, release: Number(release.slice(1)) };
    return { ...known, service: 'web', isReported: false, config: {}, isBefore: false };
  });
}

const of = (before: readonly string[], after: readonly string[], isGlobal = false) =>
  differencesOf({
    before: placed(before),
    after: placed(after),
    releaseOf: (_, number) => RELEASES[number],
    isGlobal,
  }).map(
    ({ action, slot, host, from, reason }) =>
      `${action} ${slot} ${from === '' ? '' : `${from} `}${host}${reason === '' ? '' : `: ${reason}`}`,
  );

test.each<[string, readonly string[], readonly string[], readonly string[]]>([
  ['nothing', ['x 1 h1 @1'], ['x 1 h1 @1'], []],
  ['another number of the same', ['x 1 h1 @1'], ['x 1 h1 @1'], []],
  ['limits, in place', ['x 1 h1 @1'], ['x 1 h1 @3'], ['update 1 h1: container.limits']],
  ['one more', ['x 1 h1 @1'], ['x 1 h1 @1', 'y 2 h2 @1'], ['create 2 h2']],
  ['one fewer', ['x 1 h1 @1', 'y 2 h2 @1'], ['x 1 h1 @1'], ['remove 2 h2']],
  [
    'another image',
    ['x 1 h1 @3'],
    ['y 1 h1 @2'],
    ['replace 1 h1: container.hostname, container.image, container.user and 1 more'],
  ],
  ['another host', ['x 1 h1 @1'], ['y 1 h2 @1'], ['move 1 h1 h2: its host is to be left, or its config there changed']],
  ['a release that is gone', ['x 1 h1 @9'], ['y 1 h1 @1'], ['replace 1 h1']],
  ['two of a slot', ['x 1 h1 @1', 'y 1 h2 @2'], ['y 1 h2 @2'], ['remove 1 h1']],
  [
    'many, by host and slot',
    ['x 1 h2 @1'],
    ['a 3 h2 @2', 'b 2 h1 @2', 'c 1 h2 @2'],
    ['create 2 h1', 'replace 1 h2: container.hostname, container.image, container.user and 1 more', 'create 3 h2'],
  ],
])('%s', (_, before, after, told) => {
  expect(of(before, after)).toEqual(told);
});

test('of a global service, the host tells which is which', () => {
  const before = ['x 1 h1 @1', 'y 1 h2 @1'];
  expect(of(before, ['a 1 h1 @2', 'b 1 h3 @2'], true)).toEqual([
    'replace 1 h1: container.hostname, container.image, container.user and 1 more',
    'remove 1 h2',
    'create 1 h3',
  ]);
});
