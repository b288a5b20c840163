import { emptyDocument } from '../../lib/documents/codec';
import { silentLogger } from '../../lib/log';
import type { Release } from '../../lib/documents/types';
import { instanceStatus } from '../../test/support/fake-coordinator';
import { createFakeClock, type FakeClock } from '../../test/support/fake-clock';
import { recordLog } from '../../test/support/recorded-log';
import { World } from '../../test/support/world';
import { compileService } from '../compose/compile';
import type { HostView } from '../view';
import { createPages, type Known, type Pages } from './pages';
import { HELD_TOLD_MS } from './traefik/held-services';

const OWN = { identity: 'c1:1', http: '10.0.0.9:7422', version: '1' };
const NOBODY: Known = {
  view: { hosts: new Map(), services: new Map(), releases: new Map(), serviceStatuses: new Map() },
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

const pagesOf = (known: () => Known, clock = createFakeClock()): Pages =>
  createPages(known, { clock, log: silentLogger }, () => undefined);

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
    { clock: createFakeClock(), log },
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

describe('Traefik: what is gone from etcd', () => {
  const rule = (service: string): Release => ({
    ...labelled({ [`traefik.http.routers.${service}.rule`]: service }),
    service,
  });
  let world: World;
  let clock: FakeClock;
  /** Names of routers, and how many servers there are. */
  let traefik: (hasChanged?: boolean) => Promise<readonly (string | number)[]>;
  const add = (service: string): void => {
    world.services.set(service, { text: '', modRevision: 1 });
    world.releases.set(service, new Map([[1, rule(service)]]));
  };
  const lose = (service: string): void => {
    world.services.delete(service);
    world.releases.delete(service);
  };
  const report = (services: readonly string[], held = true): void => {
    const ports = [{ name: '', target: 8080, published: 20_001, protocol: 'tcp' }];
    const instances = services.map((one) => [`${one}-1-a`, instanceStatus(one, { held, ports })] as const);
    const record = { ...emptyDocument('HostRecord'), address: '10.0.0.1' };
    world.addHost('h1');
    world.set('h1', { record, status: { ...emptyDocument('HostStatus'), instances: Object.fromEntries(instances) } });
  };

  beforeEach(async () => {
    world = new World();
    clock = createFakeClock();
    const pages = pagesOf(() => ({ ...NOBODY, view: world }), clock);
    traefik = async (hasChanged = true) => {
      if (hasChanged) pages.changed();
      const { body } = await pages.routes['/sd/traefik']!();
      const { http } = JSON.parse(body) as { http?: { routers: object } };
      return [...Object.keys(http?.routers ?? {}), body.split('"url"').length - 1];
    };
    for (const service of ['api', 'web']) add(service);
    report(['api', 'web'], false);
    expect(await traefik()).toEqual(['api', 'web', 2]);
  });

  test('with all of etcd, before hosts have said that they hold it, and when they have', async () => {
    for (const service of ['api', 'web']) lose(service);
    world.hosts.clear();
    expect(await traefik()).toEqual(['api', 'web', 2]);
    report(['api', 'web']);
    expect(await traefik()).toEqual(['api', 'web', 2]);
    await clock.advance(2 * HELD_TOLD_MS);
    expect(await traefik()).toEqual(['api', 'web', 2]);
    // Whoever found out what is held stopped it.
    report(['api']);
    expect(await traefik()).toEqual(['api', 1]);
  });

  test('by a backup that lacks one service: that one stays, with its instances, until etcd has it again', async () => {
    lose('web');
    report(['api', 'web']);
    expect(await traefik()).toEqual(['api', 'web', 2]);
    await clock.advance(2 * HELD_TOLD_MS);
    expect(await traefik()).toEqual(['api', 'web', 2]);
    add('web');
    report(['api'], false);
    expect(await traefik()).toEqual(['api', 'web', 1]);
  });

  test('and nobody holds it: it goes, without a change too', async () => {
    lose('web');
    report(['api'], false);
    expect(await traefik()).toEqual(['api', 'web', 2]);
    await clock.advance(HELD_TOLD_MS);
    expect(await traefik(false)).toEqual(['api', 1]);
  });

  test('since it was deleted: it goes at once', async () => {
    world.services.delete('web');
    expect(await traefik()).toEqual(['api', 'web', 2]);
    lose('web');
    expect(await traefik()).toEqual(['api', 1]);
  });

  test('no instances alone: their addresses are not told any more', async () => {
    report(['api'], false);
    expect(await traefik()).toEqual(['api', 'web', 1]);
  });
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
