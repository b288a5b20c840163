import * as fc from 'fast-check';
import { MAX_LAYER_BYTES, readConfigLayer } from './config-layer';

function values(text: string): Readonly<Record<string, string>> {
  const reading = readConfigLayer(text, MAX_LAYER_BYTES);
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  return Object.fromEntries(reading.values);
}

test.each<[string, string, object]>([
  ['YAML', 'A: x\n_b1: "y z"\n', { A: 'x', _b1: 'y z' }],
  ['JSON', '{"A": "x", "B": ""}', { A: 'x', B: '' }],
  [
    'numbers and booleans as they are written',
    'A: 1.10\nB: 0x1F\nC: true\nD: 007',
    { A: '1.10', B: '0x1F', C: 'true', D: '007' },
  ],
  ['text with braces, as it is', 'A: "{{.Task.ID}}"', { A: '{{.Task.ID}}' }],
  ['several lines', 'A: |\n  x\n  y\n', { A: 'x\ny\n' }],
  ['anchors and merge keys', 'A: &a x\nB: *a', { A: 'x', B: 'x' }],
  ['no values', '{}', {}],
  ['a name that objects have', '{"constructor": "x", "__proto__": "y"}', { constructor: 'x', ['__proto__']: 'y' }],
])('%s', (_, text, wanted) => {
  expect(Object.entries(values(text)).sort()).toEqual(Object.entries(wanted).sort());
});

test.each<[string, string, string, RegExp]>([
  ['no YAML', 'A: [', 'yaml-syntax  1:5', /./],
  ['nothing', '', 'wrong-type  1:1', /write \{\} for one without values/],
  ['a list', '- A', 'wrong-type  1:1', /a map of keys and values/],
  ['a nested map', 'A: x\nB: { C: y }', 'wrong-type B 2:4', /B is nested; .* under a key of its own/],
  ['a nested list', '{"A": ["x"]}', 'wrong-type A 1:7', /nested/],
  ['no value', 'A:', 'wrong-type A 1:3', /A has no value; write "" for an empty one/],
  ['a key with a dash', 'A: x\nlog-level: info', 'bad-name log-level 2:1', /1 to 128 of/],
  ['a key that begins with a digit', '1A: x', 'bad-name 1A 1:1', /1 to 128 of/],
  ['a key that is too long', `${'A'.repeat(129)}: x`, `bad-name ${'A'.repeat(129)} 1:1`, /1 to 128 of/],
  ['a NUL character', '{"A": "a\\u0000b"}', 'bad-value A 1:7', /NUL/],
  ['a key twice', 'A: x\nA: y', 'yaml-syntax  2:1', /./],
  ['too much', `A: ${'x'.repeat(MAX_LAYER_BYTES)}`, 'too-large  1:1', /65539 bytes; 65536 are the limit/],
])('refuses %s', (_, text, place, message) => {
  const reading = readConfigLayer(text, MAX_LAYER_BYTES);
  const problems = reading.ok ? [] : reading.problems;
  expect(problems.map(({ rule, path, line, column }) => `${rule} ${path} ${line}:${column}`)).toEqual([place]);
  expect(problems[0]!.message).toMatch(message);
});

test('any flat map of text is read as it was written', () => {
  const key = fc.stringMatching(/^[A-Za-z_]\w{0,20}$/);
  const value = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0'));
  fc.assert(
    fc.property(fc.dictionary(key, value), (layer) => {
      const reading = readConfigLayer(JSON.stringify(layer), MAX_LAYER_BYTES);
      expect(reading.ok && [...reading.values].sort()).toEqual(Object.entries(layer).sort());
    }),
  );
});

test('any text is a layer, or problems with their place', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const reading = readConfigLayer(text, MAX_LAYER_BYTES);
      expect(reading.ok || reading.problems.every(({ line, column }) => line >= 1 && column >= 1)).toBe(true);
    }),
  );
});
