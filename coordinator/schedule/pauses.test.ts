/** Hands off: what a plan leaves alone, and what goes on beside it. */
import * as fc from 'fast-check';
import { emptyDocument } from '../../lib/documents/codec';
import { World } from '../../test/support/world';

const idOf = (placed: string): string => placed.split('/')[1]!;
const three = (): World => new World().addHost('h1').addHost('h2').addHost('h3');

function settled(): World {
  const world = three().put('web', { replicas: 3 }).put('api', { replicas: 2 });
  world.settle();
  return world;
}

const statusOf = (world: World, service = 'web') => world.serviceStatuses.get(service)!.document!;

test.each<[string, (world: World) => void]>([
  ['a new image', (world) => world.put('web', { replicas: 3, image: 'a:2' })],
  ['more replicas', (world) => world.put('web', { replicas: 9 })],
  ['fewer replicas', (world) => world.put('web', { replicas: 1 })],
  ['a constraint', (world) => world.put('web', { replicas: 3, constraints: ['node.labels.zone == mars'] })],
  ['a deletion', (world) => world.services.delete('web')],
  ['a document that is refused', (world) => world.put('web', 'bad')],
])('a paused service stays as it is, whatever its document becomes: %s', (_, edit) => {
  const world = settled();
  const before = [world.ids('web'), world.releases.get('web')!.size];
  const release = world.releases.get('web')!.get(1);
  world.pause(['service', 'web']);
  edit(world);
  world.settle();
  expect([world.ids('web'), world.releases.get('web')!.size]).toEqual(before);
  expect(world.releases.get('web')!.get(1)).toBe(release);
  expect(statusOf(world)).toMatchObject({ rollout: 'paused', pause: { reason: 'a look', by: 'me@here' }, running: 3 });
  // Others go on.
  world.put('api', { replicas: 4 }).settle();
  expect(world.ids('api')).toHaveLength(4);
});

test('a slip in the document of a paused service is told now', () => {
  const world = settled().pause(['service', 'web']).put('web', 'bad');
  world.settle();
  expect(statusOf(world)).toMatchObject({ accepted: false, problems: [{ rule: 'unknown-key' }] });
});

test('when its pause ends, a service takes up what was asked meanwhile', () => {
  const world = settled().pause(['service', 'web']).put('web', { replicas: 5, image: 'a:2' });
  world.settle();
  world.pause().settle();
  expect(world.ids('web')).toHaveLength(5);
  expect(statusOf(world)).toMatchObject({ rollout: 'steady', currentRelease: 2 });
  expect(statusOf(world).pause).toBeUndefined();
  expect(world.pauses.size).toBe(0);
});

test('a service that was deleted while it was paused goes when the pause ends', () => {
  const world = settled().pause(['service', 'web']);
  world.services.delete('web');
  world.settle();
  expect(world.running('web')).toBe(3);
  world.pause().settle();
  expect([world.running('web'), world.releases.has('web'), world.serviceStatuses.has('web')]).toEqual([
    0,
    false,
    false,
  ]);
});

test('a service that is paused before it ever ran comes when the pause ends', () => {
  const world = three().put('web', { replicas: 2 }).pause(['service', 'web']);
  world.settle();
  expect([world.ids('web'), statusOf(world).rollout]).toEqual([[], 'paused']);
  world.pause().settle();
  expect(world.ids('web')).toHaveLength(2);
});

test.each<[string, (world: World) => void]>([
  ['replaced', (world) => world.put('web', { replicas: 3, image: 'a:2' })],
  ['scaled away', (world) => world.put('web', { replicas: 0 })],
  ['removed with its service', (world) => world.services.delete('web')],
])('a paused instance is not %s, and the others are', (_, edit) => {
  const world = settled();
  const [paused] = world.ids('web');
  world.pause(['instance', idOf(paused!)]);
  edit(world);
  world.settle();
  const now = world.ids('web');
  expect(now).toContain(paused);
  expect(now.filter((id) => settled().ids('web').includes(id))).toEqual([paused]);
  world.pause().settle();
  expect(world.ids('web')).not.toContain(paused);
});

test('a rollout whose successor is paused makes no third one of that slot', () => {
  const world = settled();
  const before = world.ids('web');
  world.broken.add('a:2');
  const updateConfig = { ...emptyDocument('Release').deploy.updateConfig, parallelism: 1, failureAction: 'pause' };
  world.put('web', { replicas: 3, image: 'a:2', deploy: { updateConfig } }).settle();
  const successor = world.ids('web').find((id) => !before.includes(id))!;
  world.pause(['instance', idOf(successor)]);
  world.put('web', { replicas: 3, image: 'a:3' }).settle();
  // The slot with the paused one has two, as it had; the others moved on.
  expect(world.ids('web')).toHaveLength(4);
  expect(world.ids('web')).toContain(successor);
  expect(world.ids('web').filter((id) => before.includes(id))).toHaveLength(1);
});

test('a paused host gets nothing new and loses nothing, and says why in the plan', () => {
  const world = settled();
  const there = (): readonly string[] =>
    [...world.ids('web'), ...world.ids('api')].filter((id) => id.startsWith('h1/'));
  const before = there();
  world.pause(['host', 'h1']);
  world.put('web', { replicas: 9, image: 'a:2' }).put('api', { replicas: 0 }).put('log', { mode: 'global' }).settle();
  expect(there()).toEqual(before);
  expect(world.ids('log').map((id) => id.slice(0, 2))).toEqual(['h2', 'h3']);
  world.put('huge', { constraints: ['node.hostname == h1'] }).settle();
  expect(statusOf(world, 'huge').unplaced).toContainEqual({ host: 'h1', reason: 'paused until 2033-05-18T03:33:20Z' });
  world.pause().settle();
  expect(world.ids('log')).toHaveLength(3);
  expect(world.ids('api')).toEqual([]);
});

test('hosts are told of the pauses that concern them, and of no others', () => {
  const world = new World().addHost('h1').addHost('h2').put('web', { replicas: 1 }).put('api', { replicas: 1 });
  world.settle();
  const [web] = world.ids('web');
  const [webHost, webId] = web!.split('/') as [string, string];
  const other = webHost === 'h1' ? 'h2' : 'h1';
  world.pause(['host', other], ['instance', webId], ['instance', 'web-9-none'], ['service', 'api'], ['service', 'web']);
  world.settle();
  const told = (host: string): readonly string[] =>
    world.hosts.get(host)!.assignment!.pauses.map(({ kind, name }) => `${kind} ${name}`);
  expect(told(webHost)).toEqual([`instance ${webId}`, 'service web']);
  expect(told(other)).toEqual([`host ${other}`, 'service api']);
  const revision = world.hosts.get(webHost)!.assignment!.revision;
  world.settle();
  expect(world.hosts.get(webHost)!.assignment!.revision).toBe(revision);
  world.pause().settle();
  expect([...told(webHost), ...told(other)]).toEqual([]);
});

test('a host that runs nothing is told that it is paused', () => {
  const world = three().pause(['host', 'h2']);
  world.settle();
  expect(world.hosts.get('h2')!.assignment).toMatchObject({ revision: 1, pauses: [{ kind: 'host', name: 'h2' }] });
  expect(world.hosts.get('h1')!.assignment).toBeUndefined();
});

test('of what is there and can not be read, nothing is deleted', () => {
  const world = settled().pause(['service', 'web']);
  world.pauses.set('service/web', { ...world.pauses.get('service/web')!, isGarbage: true });
  world.inForce = [];
  world.settle();
  expect(world.pauses.size).toBe(1);
});

test('whatever is paused and edited, what is paused stays where it is, and all comes right afterwards', () => {
  const edit = fc.record({
    service: fc.constantFrom('web', 'api'),
    replicas: fc.integer({ min: 0, max: 5 }),
    image: fc.constantFrom('a:1', 'a:2', 'a:3'),
    isGlobal: fc.boolean(),
  });
  const paused = fc.record({ kind: fc.constantFrom('host', 'service', 'instance'), pick: fc.nat() });
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 4 }), fc.array(paused, { minLength: 1, maxLength: 3 }), (edits, pauses) => {
      const world = settled();
      const all = [...world.ids('web'), ...world.ids('api')];
      const names = { host: ['h1', 'h2', 'h3'], service: ['web', 'api'], instance: all.map(idOf) };
      const chosen = pauses.map(({ kind, pick }) => {
        const of = names[kind];
        return [kind, of[pick % of.length]!] as const;
      });
      world.pause(...chosen);
      const isPaused = (placed: string): boolean =>
        chosen.some(([kind, name]) =>
          kind === 'host'
            ? placed.startsWith(`${name}/`)
            : kind === 'service'
              ? idOf(placed).startsWith(`${name}-`)
              : idOf(placed) === name,
        );
      for (const { service, replicas, image, isGlobal } of edits) {
        world.put(service, isGlobal ? { image, mode: 'global' } : { image, replicas }).settle();
        expect([...world.ids('web'), ...world.ids('api')]).toEqual(expect.arrayContaining(all.filter(isPaused)));
      }
      world.pause().settle();
      for (const [service, was] of [
        ['web', 3],
        ['api', 2],
      ] as const) {
        const last = edits.filter((one) => one.service === service).at(-1);
        const wanted = last === undefined ? was : last.isGlobal ? 3 : last.replicas;
        expect(world.ids(service)).toHaveLength(wanted);
      }
    }),
  );
});
