import * as fc from 'fast-check';
import { plainValue } from './plain';
import { writeYaml } from './text';
import { readTree } from './tree';

test('what is there several times is written out, and lines stay whole', () => {
  const part = { a: `${'x '.repeat(100)}y` };
  expect(writeYaml({ b: part, c: part, '<<': 1 })).toBe(`b:\n  a: ${part.a}\nc:\n  a: ${part.a}\n"<<": 1\n`);
});

test('what is written reads as it was', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('<<', 'yes', '1', '1.10', 'null', '', '~', '#', '*a'),
  );
  const { any } = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      ...[text, fc.integer(), fc.boolean(), fc.constant(null), fc.array(tie('any')), fc.dictionary(text, tie('any'))],
    ),
  }));
  fc.assert(
    fc.property(any, (value) => {
      const { problems, tree } = readTree(writeYaml(value), 64);
      expect(problems).toEqual([]);
      expect(plainValue(tree!)).toEqual({ ok: true, value });
    }),
    { numRuns: 500 },
  );
});
