/** What is written when services are applied, and what is refused, through a coordinator over the in-memory store. */
import { decodeDocument, emptyDocument, encodeDocument } from '../../lib/documents/codec';
import { textHash } from '../../lib/release/text-hash';
import type { RpcError } from '../../lib/rpc/types';
import { OperatedCluster } from '../../test/support/operated-cluster';
import { worldAt } from './world';

const WEB = 'image: web:1\n';
const WAITS = (...names: readonly string[]): string =>
  `image: a\ndepends_on: { ${names.map((name) => `${name}: { condition: service_healthy }`).join(', ')} }\n`;

let cluster: OperatedCluster;
beforeEach(async () => {
  cluster = await OperatedCluster.start('h1');
});

const apply = (services: Readonly<Record<string, string>>, at = '') =>
  cluster.settle(({ api }) =>
    api.apply({
      services: Object.entries(services).map(([name, document]) => ({ name, document })),
      project: '',
      by: 'ann@ops',
      at,
    }),
  );
const read = (service: string) => cluster.read(cluster.keys.service(service));
const author = async (service: string) =>
  decodeDocument('ServiceIntent', (await cluster.read(cluster.keys.serviceIntent(service))) ?? '{}').author;
const actions = async (services: Readonly<Record<string, string>>): Promise<readonly (readonly string[])[]> => {
  const answer = await apply(services);
  return 'applied' in answer ? answer.applied.map(({ action, held }) => [action, held]) : [[answer.message]];
};

async function put(key: string, value: string): Promise<void> {
  await cluster.put(key, value);
  await cluster.clock.advance(1000);
}

test('what changed is written with its author, what did not is not', async () => {
  expect(await actions({ web: WEB, api: WEB })).toEqual([
    ['created', ''],
    ['created', ''],
  ]);
  expect(await author('web')).toEqual({ by: 'ann@ops', atMs: expect.any(Number), textHash: textHash(WEB) });
  // The rollouts are through, and watched.
  await cluster.clock.advance(60_000);
  const { revision } = cluster.etcd;
  expect(await actions({ web: WEB })).toEqual([['unchanged', '']]);
  expect(cluster.etcd.revision).toBe(revision);
  expect(await actions({ web: 'image: web:2\n', api: WEB })).toEqual([
    ['updated', ''],
    ['unchanged', ''],
  ]);
  expect((await author('web'))?.textHash).toBe(textHash('image: web:2\n'));
});

test('a whole file of as many services as go is one write of documents', async () => {
  const many = Object.fromEntries(Array.from({ length: 128 }, (_, index) => [`s${index}`, WEB]));
  expect(await apply(many)).toMatchObject({ refused: [] });
  const { kvs } = await cluster.etcd.range({ prefix: cluster.keys.services });
  expect(new Set(kvs.map(({ modRevision }) => modRevision)).size).toBe(1);
  expect((await author('s127'))?.by).toBe('ann@ops');
});

test.each(['rolled-back', 'stopped'])('the same text again after its rollout was %s is another try', async (phase) => {
  await apply({ web: WEB });
  await cluster.lead.resign();
  const document = await cluster.etcd.range({ key: cluster.keys.service('web') });
  const serviceRevision = document.kvs[0]!.modRevision;
  const move = { phase, failedRelease: 1, failedRevision: serviceRevision };
  await put(
    cluster.keys.serviceStatus('web'),
    JSON.stringify({ accepted: true, rollout: 'failed', serviceRevision, move }),
  );
  expect(await actions({ web: WEB })).toEqual([['retried', '']]);
  expect((await cluster.etcd.range({ key: cluster.keys.service('web') })).kvs[0]!.modRevision).toBeGreaterThan(
    serviceRevision,
  );
  // The leader has not read it yet.
  expect(await actions({ web: WEB })).toEqual([['unchanged', '']]);
});

test('what holds it up is told: a freeze, a pause, a rollback', async () => {
  await apply({ web: WEB, api: WEB, old: WEB });
  await apply({ old: 'image: web:2\n' });
  await cluster.settle(({ api }) => api.changeFreeze({ service: 'web', frozen: true, reason: 'audit', by: 'bob@ops' }));
  await cluster.settle(({ api }) => api.pause({ kind: 'service', name: 'api', forMs: 60_000, reason: '', by: '' }));
  const wish = { ...emptyDocument('ServiceIntent'), rollback: { release: 1, insteadOf: 2, by: 'bob@ops', atMs: 1 } };
  await put(cluster.keys.serviceIntent('old'), encodeDocument('ServiceIntent', wish));
  expect(await actions({ web: 'image: web:3\n', api: WEB, old: 'image: web:2\n' })).toEqual([
    ['updated', expect.stringMatching(/^web: frozen by bob@ops: audit; "berth unfreeze web" ends it$/)],
    ['unchanged', expect.stringMatching(/^api: paused until .*; "berth resume api" ends it$/)],
    [
      'unchanged',
      'old: stays at @1, where bob@ops had it rolled back to; "berth rollback old --to 2" goes forward again',
    ],
  ]);
});

test.each<[string, Readonly<Record<string, string>>, string, string]>([
  ['a ring within the file', { web: WAITS('db'), db: WAITS('web') }, 'web', 'web waits for db, db waits for web'],
  ['itself through known services', { db: WAITS('known') }, 'db', 'db waits for known, known waits for db'],
])('a cycle is refused, spelled out: %s', async (_, services, name, ring) => {
  await put(cluster.keys.service('known'), WAITS('db'));
  const answer = await apply(services);
  const refused = 'refused' in answer ? answer.refused : [];
  expect(refused.map((one) => one.name)).toEqual(Object.keys(services));
  expect(refused.find((one) => one.name === name)!.problems).toEqual([
    expect.objectContaining({
      rule: 'cycle',
      message: expect.stringMatching(`^${ring}: none of them could ever begin\\. Let`),
    }),
  ]);
  expect(await read('db')).toBeUndefined();
});

test('an edit that breaks a ring is taken', async () => {
  await put(cluster.keys.service('db'), WAITS('web'));
  expect(await actions({ db: WEB, web: WAITS('db') })).toEqual([
    ['updated', ''],
    ['created', ''],
  ]);
});

test('a value of config that is missing is refused before anything is written', async () => {
  const answer = await apply({ web: 'image: a\nenvironment: { A: "{{.Config.COLOR}}" }\n' });
  expect(answer).toMatchObject({ refused: [{ name: 'web', problems: [{ rule: 'missing-config', line: 2 }] }] });
  await put(cluster.keys.clusterConfig, 'COLOR: red\n');
  expect(await actions({ web: 'image: a\nenvironment: { A: "{{.Config.COLOR}}" }\n' })).toEqual([['created', '']]);
});

describe('at a plan', () => {
  const now = (): string => worldAt(cluster.lead.cluster.view, cluster.etcd.revision);

  test('nothing that matters changed', async () => {
    await apply({ web: WEB });
    await cluster.clock.advance(5000);
    const at = now();
    // Statuses of instances come and go.
    cluster.agent('h1').running.clear();
    await cluster.clock.advance(1000);
    expect(await apply({ web: 'image: web:2\n' }, at)).toMatchObject({ applied: [{ action: 'updated' }] });
  });

  test.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'a service was written',
      () => put(cluster.keys.service('api'), WEB),
      /changed since: service api\. Nothing was written; plan again$/,
    ],
    [
      'a service was removed',
      () => cluster.delete(cluster.keys.service('web')),
      /changed since: a host .*, or something was removed\./,
    ],
    ['config was written', () => put(cluster.keys.hostConfig('h1'), 'A: b\n'), /changed since: config of host h1\./],
    ['a host came', async () => void cluster.add('h2'), /a host/],
    ['a host was lost', async () => void (cluster.agent('h1').die(), await cluster.clock.advance(5000)), /a host/],
    ['a host was cordoned', () => put(cluster.keys.hostIntent('h1'), '{"schedulable":false}'), /a host/],
  ])('%s', async (_, change, message) => {
    await apply({ web: WEB });
    const at = now();
    await change();
    await cluster.clock.advance(1000);
    const answer = (await apply({ web: 'image: web:2\n' }, at)) as RpcError;
    expect(answer).toMatchObject({ code: 'refused', message: expect.stringMatching(message) });
    expect(await read('web')).not.toBe('image: web:2\n');
  });

  test('something that no plan gave', async () => {
    expect(await apply({ web: WEB }, '4711')).toMatchObject({
      code: 'invalid',
      message: expect.stringMatching(/"4711" is nothing that a plan gave/),
    });
  });
});
