import { plainValue } from './plain';
import { readTree, replaceTexts } from './tree';

/** "offset kind message" of each problem; at the end whether there is a tree all the same. */
function bad(text: string, maxDepth = 10): readonly string[] {
  const { problems, tree } = readTree(text, maxDepth);
  const told = problems.map(({ kind, offset, message }) => `${offset} ${kind} ${message}`);
  return tree === undefined ? told : [...told, 'a tree'];
}

test.each<[string, string, string[]]>([
  ['nothing', '', ['a tree']],
  ['an open list', '[a', ['2 syntax not YAML: Flow sequence must end with a ]']],
  ['a second document', 'a\n---\nb', ['2 second-document a second document begins here']],
  [
    'YAML 1.1',
    '%YAML 1.1\n---\na',
    ['0 syntax YAML 1.1 reads "yes" and 22:22 as something else; leave out the %YAML line'],
  ],
  ['a tag', 'a: !secret b', ['11 tag the tag !secret means nothing here']],
  ['a tag of a map', '- !!set {a, b}', ['8 tag the tag tag:yaml.org,2002:set means nothing here']],
  ['tags of the core schema', '!!map { a: !!str 1, b: !!int 2 }', ['a tree']],
  ['a key twice', 'a: 1\na: 2', ['5 key-twice the key "a" is there twice', 'a tree']],
  ['a key twice, once a number', '{1: a, "1": b}', ['7 key-twice the key "1" is there twice', 'a tree']],
  ['1.0 and 1.00', '{1.0: a, 1.00: b}', ['a tree']],
  ['nothing twice as a key', '{: a, ~: b}', ['6 key-twice the key "" is there twice', 'a tree']],
  [
    'a key twice, and a tag',
    '{a: 1, a: !x 2}',
    ['7 key-twice the key "a" is there twice', '13 tag the tag !x means nothing here'],
  ],
  ['a key that is a list', '[a]: 1', ['0 syntax a key is text, no list, map or alias']],
  ['a key that is an alias', '- &a b\n- { *a : 1 }', ['11 syntax a key is text, no list, map or alias']],
  ['an alias of nothing', '[*a, &a b]', ['1 syntax *a stands for nothing: no &a is before it']],
  ['an alias of what holds it', 'a: &a [*a]', ['7 syntax *a is inside of what it stands for']],
  ['a merged text', '<<: a', ['4 syntax << merges maps: *name, or a list of such']],
  ['nothing merged', '<<:', ['3 syntax << merges maps: *name, or a list of such']],
  ['a merged list of lists', '<<: [[]]', ['5 syntax << merges maps: *name, or a list of such']],
  ['a merged alias of a text', 'a: &a b\n<<: *a', ['12 syntax << merges maps: *name, or a list of such']],
  ['a merged alias of a list', 'a: &a [{}]\n<<: *a', ['15 syntax << merges maps: *name, or a list of such']],
  ['a list of an alias of a list', 'a: &a [{}]\n<<: [*a]', ['16 syntax << merges maps: *name, or a list of such']],
  ['merged maps', 'a: &a {b: [*c]}\n<<: [*a, {}]'.replace('*c', 'c'), ['a tree']],
  ['as deep as is allowed', `${'['.repeat(9)}${']'.repeat(9)}`, ['a tree']],
  ['too deep', `${'['.repeat(11)}${']'.repeat(11)}`, ['10 syntax nested too deeply']],
  ['deeper than the stack', '['.repeat(100_000), ['1000 syntax nested too deeply']],
  [
    'deeper than the stack, in blocks',
    `${'- '.repeat(20_000)}a`,
    [expect.stringMatching(/nested too deeply/) as string],
  ],
])('%s', (_, text, problems) => {
  expect(bad(text).slice(0, Math.max(1, problems.length))).toEqual(problems);
});

test('everything that is wrong is told at once', () => {
  expect(bad('a: *b\n<<: 1\nc: !d e\n')).toHaveLength(3);
});

test('texts are replaced in values, and stay texts', () => {
  const { tree } = readTree('a: &a x\nb: [*a, "y", 1, 1.10, ~]\nx: {}\n', 10);
  const seen: [string, number][] = [];
  replaceTexts(tree!, (text, offset) => {
    seen.push([text, offset]);
    return `{ "${text}": *a }`;
  });
  expect(seen).toEqual([
    ['x', 6],
    ['y', 16],
    ['1.10', 24],
  ]);
  const value = { a: '{ "x": *a }', b: ['{ "x": *a }', '{ "y": *a }', 1, '{ "1.10": *a }', null], x: {} };
  expect(plainValue(tree!)).toEqual({ ok: true, value });
});
