import type { KeyRange, Store, Write } from '../../lib/etcd/store';
import { expectFailure, SUBJECTS } from '../support/store-subjects';
import type { Subject } from '../support/store-subjects';
import { del, pause, put, Recorder, until } from '../support/watch-recorder';

describe.each(SUBJECTS)('%s keeps the Store contract', (_name, start) => {
  let subject: Subject;
  let store: Store;
  let space: string;
  let spaces = 0;

  beforeAll(async () => {
    subject = await start();
    store = subject.connect();
  });
  afterAll(async () => {
    store.close();
    await subject.stop();
  });
  beforeEach(() => {
    space = `/t${++spaces}/`;
  });

  const key = (name: string): string => space + name;
  const all = (): KeyRange => ({ prefix: space });
  const write = async (...writes: Write[]): Promise<number> => {
    const result = await store.txn({ compares: [], writes });
    expect(result.succeeded).toBe(true);
    return result.revision;
  };
  describe('range', () => {
    test('of nothing is empty, and has a revision', async () => {
      const list = await store.range(all());
      expect(list.kvs).toEqual([]);
      expect(list.revision).toBeGreaterThanOrEqual(1);
    });

    test('by prefix is sorted by key, and leaves out neighbours', async () => {
      await write(put(key('b'), '2'), put(key('a'), '1'), put(`${space.slice(0, -1)}0`, 'neighbour'));
      const { kvs } = await store.range(all());
      expect(kvs.map((kv) => kv.key)).toEqual([key('a'), key('b')]);
      expect((await store.range({ key: key('a') })).kvs.map((kv) => kv.value)).toEqual(['1']);
      expect((await store.range({ key: key('') })).kvs).toEqual([]);
    });

    test('of more keys than one page or one transaction holds is whole', async () => {
      for (let from = 0; from < 2560; from += 128) {
        await write(...Array.from({ length: 128 }, (_, index) => put(key(String(from + index).padStart(5, '0')), 'v')));
      }
      const { kvs, revision } = await store.range(all());
      expect(kvs).toHaveLength(2560);
      expect(new Set(kvs.map((kv) => kv.key)).size).toBe(2560);
      expect(revision).toBe(Math.max(...kvs.map((kv) => kv.modRevision)));
    });

    test('values are any text', async () => {
      const value = 'zwölf ☕ "\n\u0000 \u{1F40B}';
      await write(put(key('text'), value), put(key('empty'), ''));
      const { kvs } = await store.range(all());
      expect(kvs.map((kv) => kv.value)).toEqual(['', value]);
    });
  });

  describe('txn', () => {
    test('all writes have one revision; create revision stays, mod revision moves', async () => {
      const first = await write(put(key('a'), '1'), put(key('b'), '1'));
      const second = await write(put(key('a'), '2'));
      expect(second).toBe(first + 1);
      expect((await store.range(all())).kvs).toEqual([
        { key: key('a'), value: '2', createRevision: first, modRevision: second },
        { key: key('b'), value: '1', createRevision: first, modRevision: first },
      ]);
    });

    test.each([
      ['modRevision 0 of a missing key', 'missing', { modRevision: 0 }, true],
      ['createRevision 0 of a missing key', 'missing', { createRevision: 0 }, true],
      ['modRevision 0 of a key that is there', 'there', { modRevision: 0 }, false],
      ['createRevision 0 of a key that is there', 'there', { createRevision: 0 }, false],
    ])('compare %s', async (_title, name, compare, holds) => {
      await write(put(key('there'), '1'));
      const result = await store.txn({ compares: [{ key: key(name), ...compare }], writes: [put(key('new'), '1')] });
      expect(result.succeeded).toBe(holds);
      expect((await store.range({ key: key('new') })).kvs).toHaveLength(holds ? 1 : 0);
    });

    test('a guard of a prefix holds while nothing under it is written, whatever is written beside it or deleted', async () => {
      const since = await write(put(key('a/1'), '1'), put(key('a/2'), '1'));
      const guarded = async (prefix: string, unchangedSince = since): Promise<boolean> =>
        (await store.txn({ compares: [], guards: [{ prefix: key(prefix), unchangedSince }], writes: [] })).succeeded;
      await write(put(key('b'), '1'));
      expect([await guarded('a/'), await guarded('nothing/'), await guarded('')]).toEqual([true, true, false]);
      await write(del(key('a/1')));
      expect([await guarded('a/'), await guarded('a/', since - 1)]).toEqual([true, false]);
      await write(put(key('a/3'), '1'));
      expect(await guarded('a/')).toBe(false);
    });

    test('a guard of a key holds while it is there, beside compares', async () => {
      const revision = await write(put(key('a'), '1'));
      const compares = [{ key: key('a'), modRevision: revision }];
      const guarded = async (name: string): Promise<boolean> =>
        (await store.txn({ compares, guards: [{ key: key(name), exists: true }], writes: [] })).succeeded;
      expect([await guarded('a'), await guarded('missing')]).toEqual([true, false]);
      await write(put(key('a'), '2'), put(key('missing'), ''));
      expect([await guarded('a'), await guarded('missing')]).toEqual([false, false]);
    });

    test('one failed compare of several writes nothing', async () => {
      const revision = await write(put(key('a'), '1'));
      const compares = [
        { key: key('a'), modRevision: revision },
        { key: key('a'), createRevision: revision + 1 },
      ];
      expect(await store.txn({ compares, writes: [put(key('a'), '2')] })).toEqual({ succeeded: false, revision });
    });

    test('deleting what is not there, or writing nothing, moves no revision', async () => {
      const revision = await write(put(key('a'), '1'));
      expect(await write(del(key('missing')))).toBe(revision);
      expect(await write()).toBe(revision);
    });

    test('a key that was deleted and made again has a new create revision', async () => {
      await write(put(key('a'), '1'));
      await write(del(key('a')));
      const revision = await write(put(key('a'), '1'));
      expect((await store.range({ key: key('a') })).kvs[0]).toMatchObject({
        createRevision: revision,
        modRevision: revision,
      });
    });

    test('refuses what is over a limit, and keys twice', async () => {
      await expectFailure(
        store.txn({ compares: [], writes: Array.from({ length: 129 }, (_, index) => put(key(`k${index}`), '')) }),
        'too-large',
      );
      await expectFailure(
        store.txn({
          compares: Array.from({ length: 100 }, (_, index) => ({ key: key(`k${index}`), modRevision: 0 })),
          guards: Array.from({ length: 29 }, (_, index) => ({ key: key(`k${index}`), exists: true })),
          writes: [],
        }),
        'too-large',
      );
      await expectFailure(
        store.txn({ compares: [], writes: [put(key('big'), 'x'.repeat(2 * 1024 * 1024))] }),
        'too-large',
      );
      await expectFailure(store.txn({ compares: [], writes: [put(key('a'), '1'), put(key('a'), '2')] }), 'other');
      expect((await store.range(all())).kvs).toEqual([]);
    });
  });

  describe('watch', () => {
    test('tells its revision, then whole revisions in order, only of its range', async () => {
      const { revision } = await store.range(all());
      const heard = new Recorder(store, all(), revision + 1);
      await until(() => heard.created.length === 1);
      expect(heard.created[0]).toBeGreaterThanOrEqual(revision);
      await write(put(key('a'), '1'), put(key('b'), '1'));
      await write(put(`${space.slice(0, -1)}0`, 'neighbour'));
      await write(del(key('a')), put(key('b'), '2'));
      await until(() => heard.batches.length === 2);
      expect(heard.batches).toEqual([
        { revision: revision + 1, events: [`${key('a')}=1`, `${key('b')}=1`].sort() },
        { revision: revision + 3, events: expect.arrayContaining([`-${key('a')}`, `${key('b')}=2`]) as unknown },
      ]);
      heard.watch.close();
    });

    test('from a past revision brings what was missed, then goes on', async () => {
      const first = await write(put(key('a'), '1'));
      await write(put(key('a'), '2'));
      await write(put(key('a'), '3'));
      const heard = new Recorder(store, { key: key('a') }, first + 1);
      await until(() => heard.batches.length === 2);
      await write(put(key('a'), '4'));
      await until(() => heard.batches.length === 3);
      expect(heard.batches.flatMap((batch) => batch.events)).toEqual(
        ['2', '3', '4'].map((value) => `${key('a')}=${value}`),
      );
      expect(heard.created).toHaveLength(1);
      heard.watch.close();
    });

    test('from a compacted revision ends with that reason, once', async () => {
      await write(put(key('a'), '1'));
      const revision = await write(put(key('a'), '2'));
      await subject.compact(revision);
      const heard = new Recorder(store, all(), revision - 1);
      await until(() => heard.ends.length > 0);
      await pause(50);
      expect(heard.ends.map((end) => end.code)).toEqual(['compacted']);
      expect(heard.batches).toEqual([]);
    });

    test('a live one survives a compaction', async () => {
      const { revision } = await store.range(all());
      const heard = new Recorder(store, all(), revision + 1);
      await until(() => heard.created.length === 1);
      const written = await write(put(key('a'), '1'));
      await subject.compact(written);
      await write(put(key('a'), '2'));
      await until(() => heard.batches.length === 2);
      expect(heard.ends).toEqual([]);
      heard.watch.close();
    });

    test('says nothing after close, and the others go on', async () => {
      const { revision } = await store.range(all());
      const closed = new Recorder(store, all(), revision + 1);
      const other = new Recorder(store, all(), revision + 1);
      await until(() => closed.created.length + other.created.length === 2);
      closed.watch.close();
      closed.watch.close();
      await write(put(key('a'), '1'));
      await until(() => other.batches.length === 1);
      expect(closed.batches).toEqual([]);
      expect(closed.ends).toEqual([]);
      other.watch.close();
    });

    test('one that is closed at once is never heard of', async () => {
      const heard = new Recorder(store, all(), 1);
      heard.watch.close();
      await pause(100);
      expect([heard.created, heard.batches, heard.ends]).toEqual([[], [], []]);
    });

    test('from a future revision says where the store is, and waits', async () => {
      const { revision } = await store.range(all());
      const heard = new Recorder(store, all(), revision + 3);
      await until(() => heard.created.length === 1);
      expect(heard.created[0]).toBeLessThan(revision + 2);
      await write(put(key('a'), '1'));
      await write(put(key('a'), '2'));
      await write(put(key('a'), '3'));
      await until(() => heard.batches.length === 1);
      expect(heard.batches[0]?.revision).toBe(revision + 3);
      heard.watch.close();
    });
  });

  test('after close every call fails and no watch speaks', async () => {
    const closing = subject.connect();
    const { revision } = await closing.range(all());
    const heard = new Recorder(closing, all(), revision + 1);
    await until(() => heard.created.length === 1);
    closing.close();
    closing.close();
    await write(put(key('a'), '1'));
    await expectFailure(closing.range(all()), 'unavailable');
    await expectFailure(closing.txn({ compares: [], writes: [] }), 'unavailable');
    await expectFailure(closing.keepLeaseAlive('1'), 'unavailable');
    const late = new Recorder(closing, all(), 1);
    await until(() => late.ends.length === 1);
    expect(late.ends[0]?.code).toBe('unavailable');
    expect([heard.batches, heard.ends]).toEqual([[], []]);
  });
});
