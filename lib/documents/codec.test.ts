import * as fc from 'fast-check';
import { decodeDocument, DocumentError, emptyDocument, encodeDocument } from './codec';

function errorOf(text: string): DocumentError {
  try {
    decodeDocument('Assignment', text);
  } catch (error) {
    return error as DocumentError;
  }
  throw new Error('it was accepted');
}

const table: readonly [string, string, string, string, RegExp][] = [
  ['text that is not JSON', '{', 'json-syntax', '', /not JSON/],
  ['a list for a document', '[]', 'wrong-type', '', /a list, but an object/],
  ['null', 'null', 'wrong-type', '', /null, but an object/],
  ['an unknown field', '{"revison":1}', 'unknown-key', 'revison', /did you mean "revision"/],
  ['an unknown field far from any', '{"zzz":1}', 'unknown-key', 'zzz', /there are revision, instances/],
  ['a string for a number', '{"revision":"1"}', 'wrong-type', 'revision', /string "1", but a whole number/],
  ['a fraction', '{"revision":1.5}', 'wrong-type', 'revision', /whole number/],
  ['a number that is not exact', '{"revision":9007199254740993}', 'out-of-range', 'revision', /outside/],
  ['a list for a map', '{"instances":[]}', 'wrong-type', 'instances', /a list, but an object/],
  ['a map for a list', '{"held":{}}', 'wrong-type', 'held', /an object, but a list/],
  ['an item of a list', '{"held":["a",1]}', 'wrong-type', 'held[1]', /number 1, but a string/],
  [
    'a field of an item of a map',
    '{"instances":{"web-1-a":{"slot":"x"}}}',
    'wrong-type',
    'instances.web-1-a.slot',
    /whole number/,
  ],
  ['over int32', '{"instances":{"web-1-a":{"slot":2147483648}}}', 'out-of-range', 'instances.web-1-a.slot', /outside/],
  ['null for a message', '{"instances":{"web-1-a":null}}', 'wrong-type', 'instances.web-1-a', /null, but an object/],
];

test.each(table)('refuses %s', (_, text, rule, path, message) => {
  const error = errorOf(text);
  expect(error).toBeInstanceOf(DocumentError);
  expect({ rule: error.rule, path: error.path }).toEqual({ rule, path });
  expect(error.message).toMatch(message);
});

test('refuses an enum value that is not there, and a wrong bool', () => {
  expect(() => decodeDocument('HostStatus', '{"instances":{"a":{"phase":"FLYING"}}}')).toThrow(
    /phase: string "FLYING", but one of PHASE_UNSPECIFIED, PENDING/,
  );
  expect(() => decodeDocument('HostIntent', '{"drain":1}')).toThrow('drain: number 1, but a boolean is wanted');
});

test('fills in defaults, and leaves optional fields away', () => {
  const release = emptyDocument('Release');
  expect(release.container.limits).toEqual({ nanoCpus: 0, memoryBytes: 0, pids: 0 });
  expect(release.container.environment).toEqual({});
  expect('healthCheck' in release.container).toBe(false);
  expect(decodeDocument('HostIntent', '{}')).toEqual({ drain: false, reason: '', by: '' });
  expect(decodeDocument('HostIntent', '{"schedulable":false}').schedulable).toBe(false);
  expect(decodeDocument('HostStatus', '{"instances":{"a":{}}}').instances['a']!.phase).toBe('PHASE_UNSPECIFIED');
});

test('leaves defaults out, keeps empty map values, sorts maps', () => {
  const assignment = {
    ...emptyDocument('Assignment'),
    revision: 3,
    instances: {
      b: { service: 'b', slot: 1, release: 2, hash: '', config: {}, before: false },
      a: { service: '', slot: 0, release: 0, hash: '', config: {}, before: false },
    },
  };
  expect(encodeDocument('Assignment', assignment)).toBe(
    '{"revision":3,"instances":{"a":{},"b":{"service":"b","slot":1,"release":2}}}',
  );
  expect(encodeDocument('HostIntent', { ...emptyDocument('HostIntent'), schedulable: false })).toBe(
    '{"schedulable":false}',
  );
});

test('any assignment comes back as it went, a key named __proto__ too', () => {
  const key = fc.oneof(fc.string(), fc.constant('__proto__'), fc.constant('constructor'));
  const instance = fc.record({
    service: fc.string(),
    slot: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    release: fc.maxSafeInteger(),
    hash: fc.string(),
    config: fc.dictionary(key, fc.string()),
    before: fc.boolean(),
  });
  const instances = fc.array(fc.tuple(key, instance)).map((entries) => Object.fromEntries(entries));
  const assignments = fc.record({
    revision: fc.maxSafeInteger(),
    instances,
    resolve: fc.dictionary(key, fc.record({ image: fc.string(), question: fc.maxSafeInteger() })),
    prefetch: fc.array(fc.string()),
    held: fc.array(fc.string()),
    pauses: fc.array(
      fc.record({
        kind: fc.string(),
        name: fc.string(),
        untilMs: fc.maxSafeInteger(),
        reason: fc.string(),
        by: fc.string(),
      }),
    ),
  });
  fc.assert(
    fc.property(assignments, (assignment) => {
      const text = encodeDocument('Assignment', assignment);
      const back = decodeDocument('Assignment', text);
      expect(encodeDocument('Assignment', back)).toBe(text);
      expect(sorted(back.instances)).toEqual(sorted(assignment.instances));
    }),
  );
});

function sorted(map: object): readonly (readonly [string, unknown])[] {
  return Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
}

test('what could not be read again is not written', () => {
  const release = { ...emptyDocument('Release'), createdAtMs: 1.5 };
  expect(() => encodeDocument('Release', release)).toThrow(
    'a Release can not be written: createdAtMs: number 1.5, but a whole number is wanted',
  );
});
