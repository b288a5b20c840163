/** What is written when services are applied, and what is refused, through a coordinator over the in-memory store. */
import { decodeDocument, emptyDocument, encodeDocument } from '../../lib/documents/codec';
import { StoreError } from '../../lib/etcd/store';
import { textHash } from '../../lib/release/text-hash';
import type { RpcError } from '../../lib/rpc/types';
import { OperatedCluster } from '../../test/support/operated-cluster';
import { delegateStore } from '../../test/support/store-delegate';
import { createCompiler } from '../compose/compiler';
import { apply as applyTo } from './apply';
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

test('more than fit into one transaction: whoever dies between its parts leaves nothing wrong, and the next apply goes through', async () => {
  const always = 'image: web:1\npull_policy: always\ndeploy: { update_config: { monitor: 0s } }\n';
  await apply({ s0: always });
  await cluster.clock.advance(10_000);
  const texts = Object.fromEntries(Array.from({ length: 128 }, (_, index) => [`s${index}`, always]));
  const services = Object.entries({ ...texts, s1: WEB }).map(([name, document]) => ({ name, document }));
  const { lead, keys, clock, etcd } = cluster;
  for (const [dies, written] of [
    [1, 0],
    [2, 0],
    [3, 0],
    [4, 128],
  ] as const) {
    const store = delegateStore(etcd);
    let txns = 0;
    store.txn = async (txn) => {
      if (++txns === dies) throw new StoreError('unavailable', 'it died');
      return etcd.txn(txn);
    };
    const context = { store, keys, cluster: lead.cluster, compile: createCompiler(), isLeader: () => true };
    const request = { services, project: '', by: 'ann@ops', at: '' };
    const before = await etcd.range({ prefix: keys.services });
    const answer = await cluster.settle(() => applyTo({ ...context, wallMs: () => clock.wallMs() }, request));
    expect(answer).toMatchObject({ code: 'unavailable', message: expect.stringMatching(/Ask again to be sure$/) });
    await clock.advance(20_000);
    const after = await etcd.range({ prefix: keys.services });
    if (written === 0) expect(after.kvs).toEqual(before.kvs);
    else expect(after.kvs).toHaveLength(written);
    // Nothing was asked for, and nothing has become of what was not written.
    expect((await etcd.range({ prefix: keys.releasesOf('s0') })).kvs).toHaveLength(1);
    expect((await lead.api.listServices({ services: [] })).services).toHaveLength(Math.max(1, written));
  }
  expect(await cluster.settle(({ api }) => api.apply({ services, project: '', by: 'bob@ops', at: '' }))).toMatchObject({
    refused: [],
  });
  expect([(await author('s1'))?.by, (await author('s127'))?.by]).toEqual(['ann@ops', 'bob@ops']);
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

  /** Something happens when everything has been checked, right before the n-th transaction. */
  async function applyAndThen(count: number, nth: number, happens: () => Promise<unknown>) {
    const services = Array.from({ length: count }, (_, index) => ({ name: `s${index}`, document: WEB }));
    const at = now();
    const { lead, keys, clock } = cluster;
    const store = delegateStore(cluster.etcd);
    let txns = 0;
    store.txn = async (txn) => {
      if (++txns === nth) await happens();
      return cluster.etcd.txn(txn);
    };
    const context = { store, keys, cluster: lead.cluster, compile: createCompiler(), isLeader: () => true };
    const request = { services, project: '', by: 'ann@ops', at };
    return cluster.settle(() => applyTo({ ...context, wallMs: () => clock.wallMs() }, request));
  }

  const write = (key: string, value: string) => () => cluster.put(key, value);

  test.each<[string, () => () => Promise<unknown>]>([
    ['config of the cluster', () => write(cluster.keys.clusterConfig, 'A: b\n')],
    ['config of a host', () => write(cluster.keys.hostConfig('h1'), 'A: b\n')],
    ['another service', () => write(cluster.keys.service('other'), WEB)],
    ['one of them', () => write(cluster.keys.service('s0'), 'image: b\n')],
    ['a host that comes', () => write(cluster.keys.hostRecord('h9'), '{}')],
    ['a host that is cordoned', () => write(cluster.keys.hostIntent('h1'), '{"schedulable":false}')],
    ['a freeze', () => write(cluster.keys.clusterIntent, '{"freeze":{}}')],
    ['a wish of a service', () => write(cluster.keys.serviceIntent('web'), '{"promote":"1"}')],
    ['a service that is removed', () => () => cluster.delete(cluster.keys.service('web'))],
    ['a host that is lost', () => () => cluster.delete(cluster.keys.hostAlive('h1'))],
  ])('at the very moment of the write: %s', async (_, happens) => {
    await apply({ web: WEB });
    await cluster.clock.advance(5000);
    for (const [count, nth] of [
      [1, 1],
      [64, 1],
      [128, 1],
      [128, 2],
      [128, 3],
    ] as const) {
      const answer = await applyAndThen(count, nth, happens());
      expect([count, nth, answer]).toEqual([count, nth, expect.objectContaining({ code: 'refused' })]);
      expect((answer as RpcError).message).toMatch(/Nothing was written; plan again$/);
      expect(await read('s1')).toBeUndefined();
      await cluster.put(cluster.keys.service('web'), WEB);
      await cluster.delete(cluster.keys.service('s0'));
      await cluster.put(cluster.keys.hostAlive('h1'), '{"agentId":"h1"}');
      await cluster.clock.advance(100);
    }
  });

  test('what does not matter does no harm at that moment either', async () => {
    await apply({ web: WEB });
    await cluster.clock.advance(5000);
    const status = write(cluster.keys.serviceStatus('web'), '{}');
    expect(await applyAndThen(1, 1, status)).toMatchObject({ applied: [{ action: 'created' }] });
    expect(await applyAndThen(128, 3, status)).toMatchObject({ refused: [] });
    expect(await read('s127')).toBe(WEB);
  });

  test('something that no plan gave', async () => {
    expect(await apply({ web: WEB }, '4711')).toMatchObject({
      code: 'invalid',
      message: expect.stringMatching(/"4711" is nothing that a plan gave/),
    });
  });
});
