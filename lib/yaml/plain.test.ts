import * as fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { MAX_EXPANDED, plainValue } from './plain';
import { readTree, replaceTexts } from './tree';

function plain(text: string, maxDepth = 64): unknown {
  const { tree, problems } = readTree(text, maxDepth);
  expect(problems.filter(({ kind }) => kind !== 'key-twice')).toEqual([]);
  const result = plainValue(tree!);
  return result.ok ? result.value : `${result.problem.offset} ${result.problem.kind} ${result.problem.message}`;
}

const TOO_LARGE = 'too-large written out, with its aliases, this is too large';

test.each<[string, string, unknown]>([
  ['nothing', '', null],
  ['a comment', '# a', null],
  ['empty values', '{a: , b, ? c}', { a: null, b: null, c: null }],
  ['numbers that are as they are written', '[1, -2, 0.5]', [1, -2, 0.5]],
  [
    'numbers that are not',
    '[1.10, 007, 0x1F, 1e3, -0, .nan, 12345678901234567890]',
    ['1.10', '007', '0x1F', '1e3', '-0', '.nan', '12345678901234567890'],
  ],
  ['words', '[yes, off, true, Null, ~, 22:22]', ['yes', 'off', true, null, null, '22:22']],
  ['keys', '{1.0: a, true: b, ~: c, 0x1: d}', { '1.0': 'a', true: 'b', '': 'c', '0x1': 'd' }],
  ['the last of a key that is there twice', 'a: 1\nb: 2\na: 3', { a: 3, b: 2 }],
  ['aliases', '[&a {b: c}, *a, &a d, *a]', [{ b: 'c' }, { b: 'c' }, 'd', 'd']],
  ['an alias of a key', '&a b: *a', { b: 'b' }],
  ['an alias of a merge key', '&a <<: {b: c}\nd: *a', { b: 'c', d: '<<' }],
  [
    'an own key before a merge key',
    '[&a {b: 1, c: 2}, {b: 3, <<: *a}]',
    [
      { b: 1, c: 2 },
      { b: 3, c: 2 },
    ],
  ],
  ['an own key after a merge key', '[&a {b: 1}, {<<: *a, b: 3}]', [{ b: 1 }, { b: 3 }]],
  ['the first of several merged', '<<: [{a: 1}, {a: 2, b: 3}]', { a: 1, b: 3 }],
  ['a quoted <<', '{"<<": a}', { '<<': 'a' }],
  ['a << with a tag', '!!str <<: a', { '<<': 'a' }],
])('%s', (_, text, value) => {
  expect(plain(text)).toEqual(value);
});

test('names that objects have are keys as others', () => {
  expect(Object.entries(plain('{__proto__: a, constructor: b}') as object)).toEqual([
    ['__proto__', 'a'],
    ['constructor', 'b'],
  ]);
});

test.each<[string, string, string]>([
  ['a bomb', `- &a0 [x]\n${lines(9, (at) => `- &a${at + 1} [${`*a${at}, `.repeat(9)}]`)}`, `286 ${TOO_LARGE}`],
  [
    'a bomb of merge keys',
    `- &a0 {b: c}\n${lines(9, (at) => `- &a${at + 1} {<<: [${`*a${at}, `.repeat(9)}]}`)}`,
    TOO_LARGE,
  ],
  ['a long text, often', `- &a ${'x'.repeat(100_000)}\n${lines(200, () => '- *a')}`, `0 ${TOO_LARGE}`],
  ['a chain', `- &a0 []\n${lines(100, (at) => `- &a${at + 1} [*a${at}]`)}`, 'syntax nested too deeply'],
])('%s is refused', (_, text, problem) => {
  expect(plain(text)).toContain(problem);
});

test('texts that were replaced count', () => {
  const { tree } = readTree('[a, b]', 10);
  replaceTexts(tree!, () => 'x'.repeat(MAX_EXPANDED / 2));
  expect(plainValue(tree!)).toMatchObject({ ok: false, problem: { kind: 'too-large' } });
});

test('100,000 parts and aliases are read', () => {
  expect(plain(`- &a x\n${lines(100_000, () => '- *a')}`)).toHaveLength(100_001);
});

const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
const { any, map } = fc.letrec<{ any: unknown; map: Record<string, unknown> }>((tie) => ({
  any: fc.oneof({ maxDepth: 3 }, leaf, fc.array(tie('any'), { maxLength: 4 }), tie('map')),
  map: fc.dictionary(fc.string(), tie('any'), { maxKeys: 4 }),
}));

test('as yaml reads it: texts in every style', () => {
  const style = fc.constantFrom(
    'PLAIN' as const,
    'QUOTE_DOUBLE' as const,
    'QUOTE_SINGLE' as const,
    'BLOCK_FOLDED' as const,
  );
  fc.assert(
    fc.property(any, style, (value, defaultStringType) => {
      const text = stringify(value, { defaultStringType, defaultKeyType: 'QUOTE_DOUBLE' });
      expect(plain(text)).toEqual(parse(text));
    }),
    { numRuns: 300 },
  );
});

test('as yaml reads it: aliases and merge keys', () => {
  const maps = fc.array(map, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(maps, map, map, fc.array(fc.nat(), { maxLength: 4 }), (named, before, after, uses) => {
      const anchored = named.map((one, at) => `&a${at} ${JSON.stringify(one)}`);
      const aliases = uses.map((use) => `*a${use % named.length}`).join();
      const own = JSON.stringify(before).slice(1, -1);
      const merging = `{${own === '' ? '' : `${own},`} <<: [${aliases}],${JSON.stringify(after).slice(1)}`;
      const text = `[${[...anchored, merging, `[${aliases}]`].join()}]`;
      expect(plain(text)).toEqual(parse(text, { merge: true, uniqueKeys: false, maxAliasCount: -1 }));
    }),
    { numRuns: 300 },
  );
});

function lines(count: number, line: (at: number) => string): string {
  return Array.from({ length: count }, (_, at) => line(at)).join('\n');
}
