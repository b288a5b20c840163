import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../../lib/log';
import { DiscoveryWorld, endpoint, keys } from '../../test/support/discovery-world';
import { sleep, until } from '../../test/support/wait';
import { DiscoveryCopy } from './discovery-copy';

let folder: string;
let world: DiscoveryWorld;
let copy: DiscoveryCopy;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-discovery-copy-'));
  world = new DiscoveryWorld();
  copy = copyOf(world);
});
afterEach(async () => {
  for (const one of [copy, world.discovery]) one.close();
  await rm(folder, { recursive: true, force: true });
});

const copyOf = ({ clock }: DiscoveryWorld, prefix = '/berth'): DiscoveryCopy =>
  new DiscoveryCopy({ folder, prefix, clock, log: silentLogger });
const onDisk = (): Promise<string> => readFile(join(folder, 'discovery.jsonl'), 'utf8').catch(() => '');

async function save(): Promise<void> {
  await copy.keep(world.discovery);
  await world.hostUp(1, 'web-1-a', 'web-2-b');
  await world.asked();
  await world.asked('nobody');
  copy.changed();
  copy.changed();
  await world.clock.advance(5000);
  await until('it to be on disk', async () => (await onDisk()).includes('web-2-b'));
}

/** A world whose etcd is away from the beginning, after this one. */
async function next(prefix?: string): Promise<DiscoveryWorld> {
  const later = new DiscoveryWorld();
  later.link.faults.disconnect();
  await copyOf(later, prefix).keep(later.discovery);
  return later;
}

test('what was known when etcd was heard last is answered while it is away; of what was not known nothing is said', async () => {
  await save();
  expect(await onDisk()).not.toContain('nobody');
  const later = await next();
  expect(await later.asked()).toEqual(['web-1-a', 'web-2-b']);
  expect(await later.asked('api')).toBe('unknown');
  expect(later.discovery.service('web')).toMatchObject({ isHeard: false });
  // Nobody vouches for it: what refuses connections is left out.
  later.refusing.add('10.0.0.1');
  await later.store.txn({
    compares: [],
    writes: [{ op: 'put', key: keys.endpoint('web', 'web-3-c'), value: endpoint(3) }],
  });
  later.link.faults.reconnect();
  await later.clock.advance(6000);
  expect(await later.asked()).toEqual(['web-3-c']);
  expect(later.discovery.service('web')).toMatchObject({ isHeard: true });
  later.discovery.close();
});

test.each<[string, (text: string) => string]>([
  ['garbage', () => '{ "prefix"'],
  ['nothing', () => ''],
  ['another form', () => '{"prefix":"/berth"}\n1\nnull\n[]\n{"service":"web"}\n{"endpoints":{}}'],
  ['of which a part is missing', (text) => text.slice(0, -10)],
  ['an endpoint that can not be read', (text) => text.replace('"host":', '"hots":')],
])('a copy that is %s costs what it was to give, and nothing else', async (what, edit) => {
  await save();
  await writeFile(join(folder, 'discovery.jsonl'), edit(await onDisk()));
  const later = await next();
  expect(await later.asked()).toEqual(what.startsWith('an endpoint') ? ['web-2-b'] : 'unknown');
  later.discovery.close();
});

test('what was known of another cluster is not answered', async () => {
  await save();
  const later = await next('/other');
  expect(await later.asked()).toBe('unknown');
  later.discovery.close();
});

test('a folder that is gone is no reason to end', async () => {
  await copy.keep(world.discovery);
  await rm(folder, { recursive: true });
  await world.hostUp(1, 'web-1-a');
  await world.asked();
  copy.changed();
  await world.clock.advance(5000);
  await sleep(50);
  expect(await world.asked()).toEqual(['web-1-a']);
});
