import { ringThrough } from './cycles';

const WAITS: Readonly<Record<string, readonly string[]>> = {
  web: ['api', 'db'],
  api: ['db', 'queue'],
  db: [],
  queue: ['worker'],
  worker: ['api'],
  self: ['self'],
  a: ['b', 'c'],
  b: ['c'],
  c: ['a'],
};
const through = (service: string) => ringThrough(service, (name) => WAITS[name] ?? []);

test.each([
  ['one that waits for what waits for nobody', 'db', undefined],
  ['one that waits for a ring and is not in it', 'web', undefined],
  ['one that waits for what is not there', 'nobody', undefined],
  ['itself', 'self', ['self']],
  ['three', 'api', ['api', 'queue', 'worker']],
  ['the same three from another one', 'worker', ['worker', 'api', 'queue']],
  ['the shortest of two', 'a', ['a', 'c']],
])('a ring through %s', (_, service, ring) => {
  expect(through(service)).toEqual(ring);
});
