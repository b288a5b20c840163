import { emptyDocument } from '../documents/codec';
import { sameContainer, specHash } from './spec-hash';

const base = {
  ...emptyDocument('Release').container,
  image: 'web:1',
  environment: { B: '2', A: '' },
  command: ['a', 'b'],
};

test('the hash of a spec never changes within a version', () => {
  expect(specHash(base)).toBe(GOLDEN);
});

test('the order of a map does not count, that of a list does', () => {
  expect(specHash({ ...base, environment: { A: '', B: '2' } })).toBe(specHash(base));
  expect(specHash({ ...base, command: ['b', 'a'] })).not.toBe(specHash(base));
});

test('fields that this Berth does not know yet change nothing while they are at their default', () => {
  expect(specHash({ ...base, ...{ fromTheFuture: '', andMore: [], nested: { zero: 0 } } })).toBe(specHash(base));
});

test.each([
  ['an empty variable', { environment: { B: '2' } }],
  ['an empty argument', { command: ['a', 'b', ''] }],
  ['an entrypoint reset', { entrypoint: [''] }],
  ['a label', { labels: { x: '' } }],
  ['a limit', { limits: { nanoCpus: 1, memoryBytes: 0, pids: 0 } }],
  ['a health check', { healthCheck: { test: ['NONE'], intervalMs: 0, timeoutMs: 0, startPeriodMs: 0, retries: 0 } }],
])('%s counts', (_, change) => {
  expect(sameContainer(base, { ...base, ...change })).toBe(false);
  expect(specHash({ ...base, ...change })).not.toBe(specHash(base));
});

const GOLDEN = '1:3b8b28a391d1e249';
