import { emptyDocument } from '../documents/codec';
import type { ContainerSpec } from '../documents/types';
import { isMadeFrom, sameContainer, specHash, type Made } from './spec-hash';

const base = {
  ...emptyDocument('Release').container,
  image: 'web:1',
  environment: { B: '2', A: '' },
  command: ['a', 'b'],
};

const made = (container: ContainerSpec, config = {}): Made => ({ container, config });

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
  ['a health check', { healthCheck: { test: ['NONE'], intervalMs: 0, timeoutMs: 0, startPeriodMs: 0, retries: 0 } }],
])('%s counts', (_, change) => {
  expect(sameContainer(made(base), made({ ...base, ...change }))).toBe(false);
  expect(specHash({ ...base, ...change })).not.toBe(specHash(base));
});

test('limits do not count: they are changed in place', () => {
  const limited = { ...base, limits: { nanoCpus: 1, memoryBytes: 2, pids: 3 } };
  expect(specHash(limited)).toBe(specHash(base));
  expect(sameContainer(made(base), made(limited))).toBe(true);
});

test('a container of version 1 is known again, so that an upgrade of Berth restarts nothing', () => {
  expect(isMadeFrom(VERSION_1, base)).toBe(true);
  expect(isMadeFrom(VERSION_1, { ...base, limits: { nanoCpus: 1, memoryBytes: 0, pids: 0 } })).toBe(false);
  expect(isMadeFrom(specHash(base), base)).toBe(true);
  expect(isMadeFrom('', base)).toBe(false);
});

test('values of config that the container takes count, others do not', () => {
  const takes = { ...base, environment: { URL: '{{.Config.URL}}' } };
  const all = { ...base, configEnvironment: true };
  expect(specHash(base, {})).toBe(GOLDEN);
  expect(specHash(base, { URL: 'a' })).toBe(GOLDEN);
  expect(specHash(takes, { URL: 'a', OTHER: 'b' })).toBe(specHash(takes, { URL: 'a' }));
  expect(specHash(takes, { URL: 'a' })).not.toBe(specHash(takes, { URL: 'b' }));
  expect(specHash(takes, { URL: '' })).not.toBe(specHash(takes, {}));
  expect(specHash(all, { OTHER: 'b', URL: 'a' })).toBe(specHash(all, { URL: 'a', OTHER: 'b' }));
  expect(specHash(all, { OTHER: 'b' })).not.toBe(specHash(all, { OTHER: 'c' }));
  expect(sameContainer(made(takes, { URL: 'a' }), made(takes, { URL: 'a', OTHER: 'b' }))).toBe(true);
  expect(sameContainer(made(takes, { URL: 'a' }), made(takes, { URL: 'b' }))).toBe(false);
  expect(isMadeFrom(specHash(takes, { URL: 'a' }), takes, { URL: 'a' })).toBe(true);
  expect(isMadeFrom(specHash(takes, { URL: 'a' }), takes, { URL: 'b' })).toBe(false);
});

test('of a golden hash with config, too', () => {
  const takes = { ...base, command: ['--url={{.Config.URL}}'] };
  expect(specHash(takes, { URL: 'a' })).toBe(GOLDEN_WITH_CONFIG);
});

const GOLDEN = '2:3b8b28a391d1e249';
const VERSION_1 = '1:3b8b28a391d1e249';
const GOLDEN_WITH_CONFIG = '2:a572483b9c0a6cde';
