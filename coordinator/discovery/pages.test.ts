import { emptyDocument } from '../../lib/documents/codec';
import { silentLogger } from '../../lib/log';
import type { Release } from '../../lib/documents/types';
import { instanceStatus } from '../../test/support/fake-coordinator';
import { createFakeClock } from '../../test/support/fake-clock';
import { recordLog } from '../../test/support/recorded-log';
import { World } from '../../test/support/world';
import { compileService } from '../compose/compile';
import type { HostView } from '../view';
import { createPages, type Known, type Pages } from './pages';

const OWN = { identity: 'c1:1', http: '10.0.0.9:7422', version: '1' };
const NOBODY: Known = {
  view: { hosts: new Map(), releases: new Map(), serviceStatuses: new Map() },
  isKnown: true,
  candidates: [],
  own: OWN,
};

function labelled(labels: Readonly<Record<string, string>>): Release {
  const compiled = compileService('web', `image: a\nports: [8080]\nlabels: ${JSON.stringify(labels)}`);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  const { container, deploy } = compiled;
  return { ...emptyDocument('Release'), service: 'web', number: 1, container, deploy };
}

const pagesOf = (known: () => Known): Pages => createPages(known, silentLogger, () => undefined);

function hostOf(name: string): HostView {
  const record = { ...emptyDocument('HostRecord'), http: `${name}:7423` };
  return { name, isLive: true, record, assignmentRevision: 1, isAssignmentGarbage: false };
}

async function read(pages: ReturnType<typeof createPages>) {
  const answer = await pages.routes['/sd/prometheus']!();
  return { ...answer, groups: answer.status === 200 ? (JSON.parse(answer.body) as { targets: string[] }[]) : [] };
}

test('nothing before etcd was read: an empty list would make Prometheus forget its targets', async () => {
  const pages = pagesOf(() => ({ ...NOBODY, isKnown: false }));
  expect(await read(pages)).toMatchObject({ status: 503, body: 'the coordinator could not read etcd yet\n' });
});

test('as Prometheus wants it', async () => {
  const { status, contentType, body } = await read(pagesOf(() => NOBODY));
  expect({ status, contentType }).toEqual({ status: 200, contentType: 'application/json' });
  expect(body).toBe(
    '[\n{"targets":["10.0.0.9:7422"],"labels":{"service":"berth-coordinator","host":"c1","__meta_berth_kind":"coordinator","__meta_berth_host":"c1"}}\n]\n',
  );
  const none = pagesOf(() => ({ ...NOBODY, own: { ...OWN, http: '' } }));
  expect((await read(none)).body).toBe('[]\n');
});

test('it is made again when something changed, and not before; hosts by name', async () => {
  const world = new World();
  const pages = pagesOf(() => ({ ...NOBODY, view: world }));
  const addressesOf = async () => (await read(pages)).groups.map(({ targets }) => targets[0]);
  world.hosts.set('h2', hostOf('h2'));
  expect(await addressesOf()).toEqual(['10.0.0.9:7422', 'h2:7423']);
  world.hosts.set('h1', hostOf('h1'));
  expect(await addressesOf()).toEqual(['10.0.0.9:7422', 'h2:7423']);
  pages.changed();
  expect(await addressesOf()).toEqual(['10.0.0.9:7422', 'h1:7423', 'h2:7423']);
});

test('what changes while it is made is in the next one', async () => {
  const world = new World();
  const pages = pagesOf(() => ({ ...NOBODY, view: world }));
  const first = read(pages);
  world.hosts.set('h1', hostOf('h1'));
  pages.changed();
  expect((await first).groups).toHaveLength(1);
  expect((await read(pages)).groups).toHaveLength(2);
});

test('Traefik: labels that are left out are told once, and counted', async () => {
  const world = new World();
  const { log, lines } = recordLog(createFakeClock());
  const counts: number[] = [];
  const pages = createPages(
    () => ({ ...NOBODY, view: world }),
    log,
    (count) => counts.push(count),
  );
  const traefik = async (): Promise<unknown> => {
    pages.changed();
    const { contentType, body } = await pages.routes['/sd/traefik']!();
    expect(contentType).toBe('application/json');
    return JSON.parse(body);
  };
  expect(await traefik()).toEqual({});
  world.releases.set('web', new Map([[1, labelled({ 'traefik.http.routers.web.rule': 'r', 'traefik.http.x': '1' })]]));
  expect(await traefik()).toMatchObject({ http: { routers: { web: { rule: 'r', service: 'web' } } } });
  await traefik();
  expect(lines).toMatchObject([
    { level: 'warn', fields: { service: 'web', label: 'traefik.http.x', reason: expect.stringContaining('"x"') } },
  ]);
  expect(counts).toEqual([0, 1, 1]);
});

test('Traefik: an etcd that was emptied empties no proxy, and a service that was deleted goes', async () => {
  const world = new World();
  const pages = pagesOf(() => ({ ...NOBODY, view: world }));
  const traefik = async (): Promise<string> => {
    pages.changed();
    return (await pages.routes['/sd/traefik']!()).body;
  };
  world.addHost('h1').releases.set('web', new Map([[1, labelled({ 'traefik.http.routers.web.rule': 'r' })]]));
  const before = await traefik();
  expect(before).toContain('"rule":"r"');
  world.releases.clear();
  const instances = { 'web-1-a': instanceStatus('web', { held: true }) };
  world.set('h1', { status: { ...emptyDocument('HostStatus'), instances } });
  expect(await traefik()).toBe(before);
  world.set('h1', { status: emptyDocument('HostStatus') });
  expect(await traefik()).toBe('{}\n');
});

test('10,000 targets: others have their turns in between', async () => {
  const world = new World();
  for (let i = 0; i < 10_000; i++) world.hosts.set(`h${i}`, hostOf(`h${i}`));
  const pages = pagesOf(() => ({ ...NOBODY, view: world }));
  let isDone = false;
  let turns = 0;
  const turn = (): void => void (isDone || (turns++, setImmediate(turn)));
  setImmediate(turn);
  const [one, two] = await Promise.all([read(pages), read(pages)]);
  isDone = true;
  expect(one.groups).toHaveLength(10_001);
  expect(two.body).toBe(one.body);
  expect(turns).toBeGreaterThan(2);
});
