/** Edits of the config layers, with hosts that do at once what they are told. */
import { World } from '../../test/support/world';
import type { ConfigLayer, ConfigLayers } from '../view';

const layer = (values: Readonly<Record<string, string>>): ConfigLayer => ({
  values: new Map(Object.entries(values)),
  modRevision: 1,
});
const EMPTY: ConfigLayers = { cluster: undefined, services: new Map(), hosts: new Map() };

function three(): World {
  const world = new World().addHost('h1').addHost('h2').addHost('h3');
  world.put('web', { replicas: 3, config: true }).put('plain', { replicas: 3 });
  world.config = { ...EMPTY, cluster: layer({ A: '1' }) };
  world.settle();
  return world;
}

const on = (host: string, ids: readonly string[]): readonly string[] => ids.filter((id) => id.startsWith(`${host}/`));

test("an edit of the cluster's layer is a rollout of those who take it, and of nobody else", () => {
  const world = three();
  const [web, plain] = [world.ids('web'), world.ids('plain')];
  world.config = { ...EMPTY, cluster: layer({ A: '2' }) };
  expect(world.settle('web')).toBe(3);
  expect(world.ids('web').filter((id) => web.includes(id))).toEqual([]);
  expect(world.ids('plain')).toEqual(plain);
  expect([...world.releases.get('web')!.values()].map(({ config }) => config)).toEqual([{ A: '1' }, { A: '2' }]);
  expect(world.releases.get('plain')!.size).toBe(1);
});

test("an edit of a service's layer concerns that service; an edit back rolls back", () => {
  const world = three();
  world.config = { ...world.config, services: new Map([['plain', layer({ A: '3' })]]) };
  expect(world.plan()).toBe(0);
  world.config = { ...world.config, services: new Map([['web', layer({ A: '3' })]]) };
  expect(world.settle('web')).toBe(3);
  world.config = { ...world.config, services: new Map() };
  expect(world.settle('web')).toBe(3);
  expect([...world.releases.get('web')!.values()].map(({ config }) => config['A'])).toEqual(['1', '3', '1']);
});

test("an edit of a host's layer replaces what is there, within the limits, and nothing else; it cuts no release", () => {
  const world = three();
  const before = world.ids('web');
  world.config = { ...world.config, hosts: new Map([['h2', layer({ A: 'local', B: 'more' })]]) };
  expect(world.settle('web')).toBe(3);
  const after = world.ids('web');
  expect([on('h1', after), on('h3', after)]).toEqual([on('h1', before), on('h3', before)]);
  expect(on('h2', after)).toHaveLength(1);
  expect(on('h2', after)).not.toEqual(on('h2', before));
  const [instance] = Object.values(world.hosts.get('h2')!.assignment!.instances).filter(
    ({ service }) => service === 'web',
  );
  expect(instance!.config).toEqual({ A: 'local', B: 'more' });
  expect(world.releases.get('web')!.size).toBe(1);
});

test("what a host's layer says the same as the others is no reason to replace anything", () => {
  const world = three();
  const before = world.ids('web');
  world.config = { ...world.config, hosts: new Map([['h2', layer({ A: '1' })]]) };
  world.settle();
  expect(world.ids('web')).toEqual(before);
});

test('with a layer that can not be read and never could, everything stays as it is, and the service says so', () => {
  const world = three();
  const before = world.ids('web');
  world.config = { ...EMPTY, cluster: { values: undefined, modRevision: 2 } };
  world.settle();
  expect(world.ids('web')).toEqual(before);
  expect(world.releases.get('web')!.size).toBe(1);
  expect(world.serviceStatuses.get('web')!.document).toMatchObject({
    accepted: false,
    problems: [{ rule: 'unreadable-config' }],
    rollout: 'steady',
  });
  expect(world.serviceStatuses.get('plain')!.document).toMatchObject({ accepted: true });
});

test('after an emptied etcd what runs with the values of its host is adopted', () => {
  const world = three();
  world.config = { ...world.config, hosts: new Map([['h2', layer({ A: 'local' })]]) };
  world.settle();
  const before = world.ids('web');
  world.wipe();
  world.put('web', { replicas: 3, config: true }).settle();
  expect(world.ids('web')).toEqual(before);
});
