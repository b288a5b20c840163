import * as fc from 'fast-check';
import { Places, type Path } from './places';
import { plainValue } from './plain';
import { readTree } from './tree';

const TEXT = `x-list: &list [one, two]
x-base: &base { a: 1, b: { c: } }
x-more: &more { <<: *base, d: 4 }
web:
  <<: [*more, { e: 5 }]
  a: 6
  list: *list
  "f.g": 7
  b: 8
  b: 9
  none:
`;

/** What stands at the offset, to the end of its line. */
function at(offset: number): string {
  return TEXT.slice(offset).split('\n')[0]!;
}

test.each<[string, Path, string, string]>([
  ['the root', [], 'x-list: &list [one, two]', 'x-list: &list [one, two]'],
  ['a value', ['web', 'a'], '6', 'a: 6'],
  ['a key with a dot', ['web', 'f.g'], '7', '"f.g": 7'],
  ['a key that is there twice: the last, which counts', ['web', 'b'], '9', 'b: 9'],
  ['an alias', ['web', 'list'], '*list', 'list: *list'],
  ['an item by an alias', ['web', 'list', 1], 'two]', 'two]'],
  ['a merged key', ['web', 'd'], '4 }', 'd: 4 }'],
  ['a key by two merge keys', ['x-more', 'b', 'c'], '} }', 'c: } }'],
  ['a key of a map that is merged as it stands', ['web', 'e'], '5 }]', 'e: 5 }]'],
  ['a key without a value', ['web', 'none'], '', 'none:'],
  ['what is not there: what is around it', ['web', 'a', 'b', 0], '6', 'a: 6'],
  ['an index that is not there', ['x-list', 2], '[one, two]', 'x-list: &list [one, two]'],
  ['a name in a list', ['x-list', 'one'], '[one, two]', 'x-list: &list [one, two]'],
  ['a name that objects have', ['web', 'constructor'], '<<: [*more, { e: 5 }]', 'web:'],
])('%s', (_, path, value, key) => {
  const places = new Places(readTree(TEXT, 64).tree!);
  expect([at(places.ofValue(path)), at(places.ofKey(path))]).toEqual([value, key]);
});

test('of nothing', () => {
  const places = new Places(readTree('# nothing', 64).tree!);
  expect([places.ofValue(['a']), places.ofKey(['a'])]).toEqual([0, 0]);
});

test('a key that is not there is looked for in each merged map once', () => {
  const levels = Array.from({ length: 5 }, (_, level) => `- &a${level + 1} {<<: [${`*a${level}, `.repeat(9)}]}`);
  const places = new Places(readTree(`- &a0 {b: c}\n${levels.join('\n')}`, 64).tree!);
  const startedMs = performance.now();
  for (let turn = 0; turn < 1000; turn++) places.ofValue([5, 'none']);
  expect(performance.now() - startedMs).toBeLessThan(5000);
});

/** Of every part of a value, with the part. */
function partsOf(value: unknown, path: Path = []): readonly { readonly path: Path; readonly part: unknown }[] {
  const inner: readonly (readonly [string | number, unknown])[] = Array.isArray(value)
    ? value.map((part, index) => [index, part] as const)
    : Object.entries(typeof value === 'object' && value !== null ? value : {});
  return [{ path, part: value }, ...inner.flatMap(([name, part]) => partsOf(part, [...path, name]))];
}

test('each part of JSON stands where its text is', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (json) => {
      const text = JSON.stringify(json);
      const places = new Places(readTree(text, 64).tree!);
      for (const { path, part } of partsOf(JSON.parse(text))) {
        const name = path.at(-1);
        expect(text.slice(places.ofValue(path))).toMatch(startOf(JSON.stringify(part)));
        if (typeof name === 'string') expect(text.slice(places.ofKey(path))).toMatch(startOf(JSON.stringify(name)));
      }
    }),
    { numRuns: 300 },
  );
});

test('any text is read or refused, and what it holds stands in it', () => {
  const part = fc.constantFrom(
    ...[
      'a: ',
      'b: ',
      '\n',
      '  ',
      '- ',
      '&a ',
      '*a',
      '&b ',
      '*b ',
      '<<: ',
      '{',
      '}',
      '[',
      ']',
      ', ',
      '"',
      "'",
      '"<<": ',
    ],
    ...[
      '!x ',
      '!!str ',
      '!!int ',
      '!!seq ',
      '---\n',
      '...\n',
      '%YAML 1.1\n',
      '? ',
      ': ',
      '|',
      '>',
      '#',
      '\t',
      '1.10',
      '~',
      '\r\n',
      '\ufeff',
    ],
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(part, { maxLength: 30 }).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (any) => {
      const { tree, problems } = readTree(any, 20);
      const plain = tree && plainValue(tree);
      const parts = tree && plain?.ok === true ? partsOf(plain.value) : [];
      const places = tree && new Places(tree);
      const offsets = [
        ...problems.map(({ offset }) => offset),
        ...parts.flatMap(({ path }) => [places!.ofValue(path), places!.ofKey([...path, 'none'])]),
      ];
      expect(tree !== undefined || problems.length > 0).toBe(true);
      expect(offsets.filter((offset) => !(offset >= 0 && offset <= any.length))).toEqual([]);
    }),
    { numRuns: 2000 },
  );
});

function startOf(text: string): RegExp {
  return new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`);
}
