import * as fc from 'fast-check';
import { interpolate, InterpolationError } from './interpolate';

const VARIABLES = new Map([
  ['A', 'a'],
  ['B', 'b'],
  ['EMPTY', ''],
  ['DOLLAR', '$A'],
  ['_x1', 'under'],
]);

function filled(text: string): { value: string; unset: readonly string[] } {
  const unset: string[] = [];
  return { value: interpolate(text, VARIABLES, (name) => unset.push(name)), unset };
}

test.each<[string, string, string, string[]?]>([
  ['no variable', 'plain } text {', 'plain } text {'],
  ['a name', '$A-$B', 'a-b'],
  ['a name ends where no letter of it is', '$A.x/$_x1', 'a.x/under'],
  ['braces', '${A}${B}c', 'abc'],
  ['a dollar sign', 'x$$A $${A}', 'x$A ${A}'],
  ['a value is not looked into', '${DOLLAR}', '$A'],
  ['an unset one is empty, and told', '[$X${Y}]', '[]', ['X', 'Y']],
  ['a default for an unset one', '${X-d}', 'd'],
  ['no default for an empty one', '${EMPTY-d}', ''],
  ['with a colon also for an empty one', '${EMPTY:-d}', 'd'],
  ['a default that is not needed is not looked at', '${A:-${X?no}}', 'a'],
  ['a default within a default', '${X:-${Y:-${A}}}', 'a'],
  ['text after a nested default', '${X:-<${Y:-y}>}!', '<y>!'],
  ['a colon, a brace and a line break in a default', '${X:-http://h:1/{a\n}', 'http://h:1/{a\n'],
  ['a dollar sign in a default', '${X:-a$$b}', 'a$b'],
  ['an empty default', '${X:-}', ''],
  ['a replacement', '${A:+yes}${EMPTY:+no}${EMPTY+yes}${X+no}', 'yesyes'],
  ['a wanted one that is there', '${A:?}${EMPTY?}', 'a'],
  ['a name that objects have', '${constructor}${__proto__}', '', ['constructor', '__proto__']],
])('%s', (_, text, value, unset = []) => {
  expect(filled(text)).toEqual({ value, unset });
});

test.each<[string, string, RegExp]>([
  ['a dollar sign alone', 'costs 5 $', /a "\$" stands alone; write "\$\$"/],
  ['a dollar sign before a digit', '$1', /stands alone/],
  ['an open brace', '${A', /"\$\{A": a "\$\{" is not closed/],
  ['an open inner brace', '${X:-${A}', /is not closed/],
  ['no name', '${}', /is no expression/],
  ['a name with a dash in front', '${-A}', /is no expression/],
  ['a slash', '${A/b/c}', /is no expression; write \$\{NAME\}/],
  ['a wanted one', '${X:?set X to a tag}', /the variable X is wanted: set X to a tag/],
  ['a wanted one that is empty', '${EMPTY:?}', /the variable EMPTY is wanted: it is not set/],
  ['a message with a variable', '${X?not $A}', /wanted: not a/],
  ['33 levels', '${X:-'.repeat(40) + '}'.repeat(40), /nested more than 32 deep/],
])('%s is refused', (_, text, message) => {
  expect(() => filled(text)).toThrow(message);
  expect(() => filled(text)).toThrow(InterpolationError);
});

test('values that would fill the memory are refused', () => {
  const variables = new Map([['BIG', 'x'.repeat(2 ** 20)]]);
  expect(() => interpolate('$BIG$BIG', variables, () => undefined)).toThrow(/longer than 1048576 characters/);
});

test('any text becomes text or an InterpolationError', () => {
  const part = fc.constantFrom('$', '{', '}', '${', 'A', 'X', ':-', ':?', '+', '-', ' ', 'ü');
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      try {
        expect(typeof filled(parts.join('')).value).toBe('string');
      } catch (error) {
        expect(error).toBeInstanceOf(InterpolationError);
      }
    }),
  );
});

test('text comes back as it was when its dollar signs are doubled', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(filled(text.replaceAll('$', '$$$$')).value).toBe(text);
    }),
  );
});
