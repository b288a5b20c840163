/** A plan says what then happens: a coordinator over the in-memory store is asked for one, and then applies it. */
import type { PlanResponse } from '../../lib/rpc/types';
import { OperatedCluster } from '../../test/support/operated-cluster';

type Documents = Readonly<Record<string, string>>;

let cluster: OperatedCluster;
beforeEach(async () => {
  cluster = await OperatedCluster.start('h1', 'h2', 'h3');
});

const servicesOf = (documents: Documents) => Object.entries(documents).map(([name, document]) => ({ name, document }));

/** Everything that it says takes real turns of the event loop, too. */
async function plan(documents: Documents): Promise<PlanResponse> {
  return cluster.lead.api.plan({ services: servicesOf(documents), project: '' });
}

async function apply(documents: Documents, at = ''): Promise<void> {
  const answer = await cluster.settle(({ api }) =>
    api.apply({ services: servicesOf(documents), project: '', by: '', at }),
  );
  expect(answer).toMatchObject({ refused: [] });
  await cluster.clock.advance(120_000);
}

/** "web-1 h2", of everything that is placed. */
async function places(): Promise<readonly string[]> {
  const { instances } = await cluster.lead.api.listInstances({ services: [], hosts: [] });
  return instances.map(({ host, status }) => `${status.service}-${status.slot} ${host}`).sort();
}

/** What the plan says of instances, applied to what was there. */
function after(before: readonly string[], { instances }: PlanResponse): readonly string[] {
  const now = new Set(before);
  for (const { action, service, slot, host, from } of instances) {
    if (action === 'remove') now.delete(`${service}-${slot} ${host}`);
    if (action === 'move') now.delete(`${service}-${slot} ${from}`);
    if (action === 'create' || action === 'move') now.add(`${service}-${slot} ${host}`);
  }
  return [...now].sort();
}

const WEB = (image: string, deploy: string, more = ''): string =>
  `image: ${image}\ndeploy: { ${deploy}, update_config: { monitor: 1s } }\n${more}`;

test.each<[string, Documents, Documents]>([
  ['new services', {}, { web: WEB('a:1', 'replicas: 4'), log: WEB('l:1', 'mode: global') }],
  ['another image', { web: WEB('a:1', 'replicas: 4') }, { web: WEB('a:2', 'replicas: 4') }],
  ['more of them', { web: WEB('a:1', 'replicas: 2') }, { web: WEB('a:1', 'replicas: 7') }],
  ['fewer of them', { web: WEB('a:1', 'replicas: 5') }, { web: WEB('a:1', 'replicas: 2') }],
  [
    'other hosts',
    { web: WEB('a:1', 'replicas: 2') },
    { web: WEB('a:1', 'replicas: 2, placement: { constraints: [node.hostname == h3] }') },
  ],
  [
    'canaries and a job',
    { web: WEB('a:1', 'replicas: 3') },
    { web: WEB('a:2', 'replicas: 3', 'x-berth: { canary: 1, auto_promote: true, before: { command: [x] } }\n') },
  ],
  [
    'one that waits for another',
    { db: WEB('d:1', 'replicas: 1'), web: WEB('a:1', 'replicas: 2') },
    {
      db: WEB('d:2', 'replicas: 1'),
      web: WEB('a:2', 'replicas: 3', 'depends_on: { db: { condition: service_healthy } }\n'),
    },
  ],
  [
    'a host port, one after the other',
    { web: WEB('a:1', 'mode: global', 'ports: ["80:80"]\n') },
    { web: WEB('a:2', 'mode: global', 'ports: ["80:80"]\n') },
  ],
])('what is planned is what happens: %s', async (_, first, then) => {
  if (Object.keys(first).length > 0) await apply(first);
  const before = await places();
  const { revision } = cluster.etcd;
  const planned = await plan(then);
  expect(cluster.etcd.revision).toBe(revision);
  expect(planned).toMatchObject({ refused: [], cutShort: '' });
  await apply(then, planned.at);
  expect(await places()).toEqual(after(before, planned));
  for (const { applied, after, release, failure } of planned.services) {
    expect(failure).toBe('');
    const { services } = await cluster.lead.api.listServices({ services: [applied.name] });
    expect(services[0]!.status).toMatchObject({ rollout: 'steady', targetRelease: release, placed: after });
  }
});

test('what changes, why, and what it waits for', async () => {
  await apply({ db: WEB('d:1', 'replicas: 1'), web: WEB('a:1', 'replicas: 2') });
  const planned = await plan({
    db: WEB('d:2', 'replicas: 1'),
    web: WEB(
      'a:1',
      'replicas: 3',
      'environment: { A: b }\ndepends_on: { db: { condition: service_healthy } }\nx-berth: { canary: 1 }\n',
    ),
    old: WEB('o:1', 'replicas: 0'),
  });
  const [db, web, old] = planned.services;
  expect(db).toMatchObject({
    applied: { action: 'updated' },
    release: 2,
    newRelease: true,
    changes: ['container.image'],
  });
  expect(web).toMatchObject({
    before: 2,
    after: 3,
    changes: expect.arrayContaining(['container.environment.A', 'deploy.replicas']),
  });
  expect(web!.phases).toEqual(
    expect.arrayContaining([expect.stringMatching(/^waiting: waits for db/), expect.stringMatching(/^canary/)]),
  );
  expect(old).toMatchObject({ applied: { action: 'created' }, before: 0, after: 0 });
  expect(planned.instances.filter(({ service }) => service === 'db')).toMatchObject([
    { action: 'replace', reason: 'container.image' },
  ]);
  expect(
    planned.instances
      .filter(({ service }) => service === 'web')
      .map(({ action }) => action)
      .sort(),
  ).toEqual(['create', 'replace', 'replace']);
});

test('limits are changed in place, and an unchanged file changes nothing', async () => {
  const limited = (memory: string): string => WEB('a:1', `replicas: 1, resources: { limits: { memory: ${memory} } }`);
  await apply({ web: limited('64M') });
  expect((await plan({ web: limited('128M') })).instances).toMatchObject([
    { action: 'update', reason: 'container.limits' },
  ]);
  expect(await plan({ web: limited('64M') })).toMatchObject({
    instances: [],
    services: [{ applied: { action: 'unchanged' }, release: 1, newRelease: false }],
  });
});

test('what has no place is told, and that it would fail', async () => {
  await apply({ web: WEB('a:1', 'replicas: 1') });
  const planned = await plan({ web: WEB('a:2', 'replicas: 1, placement: { constraints: [node.labels.disk == ssd] }') });
  expect(planned.services[0]).toMatchObject({
    release: 2,
    failure: expect.stringMatching(/^web@2 failed: not through within/),
  });
  expect(planned.services[0]!.unplaced).toHaveLength(3);
  expect(planned.instances).toEqual([]);
});

test('what apply refuses, a plan refuses', async () => {
  expect(await plan({ web: 'imag: a\n' })).toMatchObject({
    refused: [{ name: 'web', problems: [{ rule: 'unknown-key' }, {}] }],
    services: [],
  });
});

test('a frozen service would not change', async () => {
  await apply({ web: WEB('a:1', 'replicas: 1') });
  await cluster.settle(({ api }) => api.changeFreeze({ service: '', frozen: true, reason: '', by: '' }));
  const planned = await plan({ web: WEB('a:2', 'replicas: 1') });
  expect(planned).toMatchObject({
    instances: [],
    services: [{ applied: { held: expect.stringContaining('frozen') }, release: 1 }],
  });
});

test('a lost host comes not back in a plan, and nothing goes there', async () => {
  cluster.agent('h3').die();
  await cluster.clock.advance(10_000);
  const { instances } = await plan({ web: WEB('a:1', 'replicas: 4') });
  expect(new Set(instances.map(({ host }) => host))).toEqual(new Set(['h1', 'h2']));
});

test('an image that no registry knows stays the same image in a plan that changes something else', async () => {
  await apply({ web: WEB('a:1', 'replicas: 2', 'ports: [8080]\n') });
  const { services, instances } = await plan({ web: WEB('a:1', 'replicas: 2', 'ports: [8080]\nuser: app\n') });
  expect(services[0]!.changes).toEqual(['container.user']);
  expect(instances.map(({ action, reason }) => `${action}: ${reason}`)).toEqual(
    Array(2).fill('replace: container.user'),
  );
});
