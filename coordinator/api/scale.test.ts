/** Counts, changed in the documents' own texts, through a coordinator over the in-memory store. */
import { decodeDocument } from '../../lib/documents/codec';
import { textHash } from '../../lib/release/text-hash';
import { OperatedCluster } from '../../test/support/operated-cluster';

const WEB = '# the shop\nimage: web:1\ndeploy:\n  replicas: 2 # at night\n';

let cluster: OperatedCluster;
beforeEach(async () => {
  cluster = await OperatedCluster.start('h1');
  await put('web', WEB);
});

async function put(service: string, text: string): Promise<void> {
  await cluster.put(cluster.keys.service(service), text);
  await cluster.clock.advance(500);
}

const scale = (counts: Readonly<Record<string, number>>) =>
  cluster.settle(({ api }) =>
    api.scale({
      services: Object.entries(counts).map(([service, replicas]) => ({ service, replicas })),
      by: 'ann@ops',
    }),
  );
const read = (service: string) => cluster.read(cluster.keys.service(service));

test('the count changes in place, with its author, and the instances follow', async () => {
  expect(await scale({ web: 4 })).toEqual({ services: [{ service: 'web', before: 2, replicas: 4, held: '' }] });
  expect(await read('web')).toBe(WEB.replace('2', '4'));
  const intent = decodeDocument('ServiceIntent', (await cluster.read(cluster.keys.serviceIntent('web')))!);
  expect(intent.author).toMatchObject({ by: 'ann@ops', textHash: textHash(WEB.replace('2', '4')) });
  expect(cluster.agent('h1').running.size).toBe(4);
});

test('the same count writes nothing', async () => {
  await cluster.clock.advance(60_000);
  const { revision } = cluster.etcd;
  expect(await scale({ web: 2 })).toMatchObject({ services: [{ before: 2, replicas: 2 }] });
  expect(cluster.etcd.revision).toBe(revision);
});

test('a frozen service is written, and the answer says that it waits', async () => {
  await cluster.settle(({ api }) => api.changeFreeze({ service: 'web', frozen: true, reason: 'audit', by: 'bob@ops' }));
  expect(await scale({ web: 3 })).toMatchObject({
    services: [{ held: expect.stringMatching(/^web: frozen by bob@ops/) }],
  });
});

test('so does that of a paused one', async () => {
  await cluster.settle(({ api }) => api.pause({ kind: 'service', name: 'web', forMs: 60_000, reason: '', by: '' }));
  expect(await scale({ web: 3 })).toMatchObject({
    services: [{ held: expect.stringMatching(/^web: paused until .*; "berth resume web" ends it$/) }],
  });
});

test.each<[string, string, RegExp]>([
  ['a global service', 'image: a\ndeploy: { mode: global }\n', /^api: it is a global service/],
  [
    'an alias',
    'x-n: &n 2\nimage: a\ndeploy: { replicas: *n }\n',
    /^api: its document can not be edited: deploy.replicas is an alias \(\*n\)/,
  ],
  ['a document that is refused', 'image: [', /^api: its document is refused as it is/],
])('%s is refused, and the other service with it', async (_, text, message) => {
  await put('api', text);
  expect(await scale({ web: 3, api: 3 })).toMatchObject({ code: 'refused', message: expect.stringMatching(message) });
  expect(await read('web')).toBe(WEB);
  expect(await read('api')).toBe(text);
});

test.each<[string, Readonly<Record<string, number>>, string]>([
  ['nothing', {}, 'invalid'],
  ['a service that is not there', { wbe: 3 }, 'not-found'],
  ['a count that is none', { web: -1 }, 'refused'],
  ['a count that nobody can mean', { web: 100_001 }, 'refused'],
])('%s is refused', async (_, counts, code) => {
  expect(await scale(counts)).toMatchObject({ code });
  expect(await read('web')).toBe(WEB);
});

test('an edit at the same moment wins, and the count is not changed', async () => {
  const txn = cluster.etcd.txn.bind(cluster.etcd);
  const scaling = cluster.settle(async ({ api }) => {
    const call = api.scale({ services: [{ service: 'web', replicas: 9 }], by: '' });
    // Between its read and its write: both of them take a turn of the clock.
    await Promise.resolve();
    await txn({
      compares: [],
      writes: [{ op: 'put', key: cluster.keys.service('web'), value: WEB.replace('2', '3') }],
    });
    return call;
  });
  expect(await scaling).toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('somebody else changed web'),
  });
  expect(await read('web')).toBe(WEB.replace('2', '3'));
});

test.each<[string, () => Promise<unknown>]>([
  ['failed and was rolled back', () => cluster.clock.advance(60_000)],
  [
    'was rolled back by an operator',
    async () => {
      cluster.agent('h1').broken.clear();
      await cluster.clock.advance(60_000);
      await cluster.settle(({ api }) => api.rollback({ service: 'web', release: 1, by: 'bob@ops' }));
    },
  ],
])('a count of a service whose newest release %s does not roll that out again', async (_, goBack) => {
  await cluster.clock.advance(60_000);
  cluster.agent('h1').broken.add('web:2');
  await put('web', WEB.replace('web:1', 'web:2'));
  await goBack();
  const text = await read('web');
  expect(await scale({ web: 4 })).toMatchObject({
    code: 'refused',
    message: expect.stringMatching(
      /^web: it runs @1, and its document is that of @2, .* Apply a file of what is to run/,
    ),
  });
  expect(await read('web')).toBe(text);
});
