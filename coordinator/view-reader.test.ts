import { encodeDocument, emptyDocument } from '../lib/documents/codec';
import { keysUnder } from '../lib/documents/keys';
import type { KeyValue } from '../lib/etcd/store';
import { ViewReader } from './view-reader';

const keys = keysUnder('/b');
let reader: ViewReader;
let revision: number;
beforeEach(() => ([reader, revision] = [new ViewReader(keys), 1]));

function put(key: string, value: string): void {
  const kv: KeyValue = { key, value, createRevision: 1, modRevision: ++revision };
  reader.read(key, kv);
}

const release = (number: number, service = 'web'): string =>
  encodeDocument('Release', { ...emptyDocument('Release'), service, number });

test('a release that becomes unreadable is the last good one, and is told', () => {
  put(keys.release('web', 3), release(3));
  put(keys.release('web', 3), '{"container": 5}');
  expect(reader.view.releases.get('web')!.get(3)).toMatchObject({ number: 3 });
  expect(reader.view.problems).toEqual([expect.objectContaining({ key: keys.release('web', 3), path: 'container' })]);
  put(keys.release('web', 3), release(3));
  expect(reader.view.problems).toEqual([]);
});

test('the number of a release that can not be read is known to be taken, until its key is gone', () => {
  put(keys.release('web', 9), 'garbage');
  expect(reader.view.releases.has('web')).toBe(false);
  expect([...reader.view.unreadableReleases!.get('web')!]).toEqual([9]);
  reader.read(keys.release('web', 9), undefined);
  expect(reader.view.unreadableReleases!.size).toBe(0);
  expect(reader.view.problems).toEqual([]);
});

test.each([
  ['another number than its key', '9', release(8)],
  ['another service than its key', '9', release(9, 'api')],
])('a release that names %s is unreadable', (_, number, text) => {
  put(`${keys.releasesOf('web')}${number}`, text);
  expect(reader.view.releases.has('web')).toBe(false);
  expect(reader.view.problems).toHaveLength(1);
});

test.each(['x', '09', '0', '-1', '1.5', '9/x', '', '99999999999999999999'])(
  'releases/web/%s is no release, and said to be none',
  (number) => {
    put(`${keys.releasesOf('web')}${number}`, release(9));
    expect(reader.view.releases.size).toBe(0);
    expect(reader.view.unreadableReleases!.size).toBe(0);
    expect(reader.view.problems).toEqual([expect.objectContaining({ rule: 'bad-name' })]);
  },
);

test('a garbage assignment keeps the last good one, and its revision is the one to compare', () => {
  put(keys.assignment('h1'), encodeDocument('Assignment', { ...emptyDocument('Assignment'), revision: 4 }));
  put(keys.assignment('h1'), '{');
  const host = reader.view.hosts.get('h1')!;
  expect(host).toMatchObject({ isAssignmentGarbage: true, assignmentRevision: revision, assignment: { revision: 4 } });
});

test('a host is known by any of its keys, and forgotten with the last one', () => {
  const all = [
    keys.hostRecord('h1'),
    keys.hostAlive('h1'),
    keys.hostIntent('h1'),
    keys.status('h1'),
    keys.assignment('h1'),
  ];
  for (const key of all) put(key, '{}');
  expect(reader.view.hosts.get('h1')).toMatchObject({ isLive: true, isAssignmentGarbage: false });
  for (const key of all) {
    expect(reader.view.hosts.has('h1')).toBe(true);
    reader.read(key, undefined);
  }
  expect(reader.view.hosts.size).toBe(0);
});

test('a pause is what its key and its text say; either may say whom', () => {
  put(keys.pause('service', 'web'), '{"untilMs":1800000000000,"reason":"a look"}');
  put(keys.pause('host', 'h1'), '{"untilMs":1800000000000,"kind":"host","name":"h1","by":"me@here"}');
  expect([...reader.view.pauses.values()].map(({ pause }) => pause)).toEqual([
    { kind: 'service', name: 'web', untilMs: 1800000000000, reason: 'a look', by: '' },
    { kind: 'host', name: 'h1', untilMs: 1800000000000, reason: '', by: 'me@here' },
  ]);
  reader.read(keys.pause('host', 'h1'), undefined);
  expect(reader.view.pauses.size).toBe(1);
});

test.each([
  ['no JSON', 'service/web', 'for an hour', 'json-syntax', /not JSON/],
  ['another kind of thing', 'pod/web', '{"untilMs":1800000000000}', 'bad-name', /host, service or instance/],
  ['nobody', 'service/', '{"untilMs":1800000000000}', 'bad-name', /pauses nothing/],
  ['somebody else', 'service/web', '{"name":"api","untilMs":1800000000000}', 'bad-value', /it pauses the service api/],
  ['no end', 'service/web', '{"reason":"a look"}', 'out-of-range', /milliseconds since 1970 are wanted/],
  ['seconds', 'service/web', '{"untilMs":1800000000}', 'out-of-range', /milliseconds since 1970 are wanted/],
  ['a slip', 'service/web', '{"untillMs":1800000000000}', 'unknown-key', /did you mean "untilMs"/],
])('a pause that says %s is told, and the last good one goes on', (_, path, text, rule, message) => {
  const key = keys.pauses + path;
  put(key, text);
  expect(reader.view.pauses.get(key)).toEqual({ pause: undefined, modRevision: revision, isGarbage: true });
  expect(reader.view.problems).toEqual([
    expect.objectContaining({ key, rule, message: expect.stringMatching(message) }),
  ]);
  if (path !== 'service/web') return;
  put(key, '{"untilMs":1800000000000}');
  expect(reader.view.problems).toEqual([]);
  put(key, text);
  expect(reader.view.pauses.get(key)).toMatchObject({ pause: { name: 'web' }, modRevision: revision, isGarbage: true });
});

test('views that were handed out do not change under the planner for a host', () => {
  put(keys.hostAlive('h1'), '{}');
  const before = reader.view.hosts.get('h1')!;
  reader.read(keys.hostAlive('h1'), undefined);
  expect(before.isLive).toBe(true);
});
