import { emptyDocument } from '../../lib/documents/codec';
import type { Release } from '../../lib/documents/types';
import { World } from '../../test/support/world';
import type { HostView } from '../view';
import { fatesIn } from './fates';

const EMPTY = emptyDocument('Release');
const PLACEMENT = {
  ...{ id: 'web-1', host: 'h1', service: 'web', slot: 1, release: 1 },
  ...{ isReported: false, config: {}, isBefore: false },
};

const releaseWith = (deploy: Partial<Release['deploy']>, container: Partial<Release['container']> = {}): Release => ({
  ...EMPTY,
  container: { ...EMPTY.container, stopGracePeriodMs: 10_000, ...container },
  deploy: { ...EMPTY.deploy, mode: 'replicated', ...deploy },
});
const mount = { type: 'volume', source: 'data', target: '/data' };
const mounting = (...changes: readonly object[]): Partial<Release['container']> => ({
  mounts: changes.map((change) => ({
    ...{ readOnly: false, tmpfsSizeBytes: 0, tmpfsMode: 0, noCopy: false, createHostPath: false, propagation: '' },
    ...{ nonRecursive: false, volumeDriver: '', volumeDriverOptions: {}, volumeLabels: {}, volumeSubpath: '' },
    ...{ volumeExternal: false, ...mount, ...change },
  })),
});
const waits = (change: Partial<Release['deploy']['onDisconnect']>): Release =>
  releaseWith({ onDisconnect: { stopAfterMs: 0, replaceAfterMs: 0, ...change } });
const plain = releaseWith({});

const NOW = 1.8e12;
const lostFor = (ms: number): Partial<HostView> => ({
  isLive: false,
  loss: { document: { sinceMs: NOW - ms }, modRevision: 1 },
});

test.each<[string, Partial<HostView>, Release | undefined, ReturnType<ReturnType<typeof fatesIn>['of']>]>([
  ['lives', {}, plain, { fate: 'stays' }],
  ['is cordoned', { intent: { ...emptyDocument('HostIntent'), schedulable: false } }, plain, { fate: 'stays' }],
  ['drains', { intent: { ...emptyDocument('HostIntent'), drain: true } }, plain, { fate: 'leaves' }],
  ['is lost just now', { isLive: false }, plain, { fate: 'lost' }],
  ['is lost for a while', lostFor(60_000), plain, { fate: 'lost' }],
  ['is lost in the time to come, by its note', lostFor(-60_000), plain, { fate: 'lost' }],
  ['is lost, and what it ran can not be read', lostFor(0), undefined, { fate: 'stays' }],
  ['is lost, of a global service', lostFor(0), releaseWith({ mode: 'global' }), { fate: 'stays' }],
  ['is lost, with a named volume', lostFor(0), releaseWith({}, mounting({})), { fate: 'stays' }],
  ['is lost, with a nameless volume', lostFor(0), releaseWith({}, mounting({ source: '' })), { fate: 'lost' }],
  ['is lost, with a volume of all', lostFor(0), releaseWith({}, mounting({ volumeExternal: true })), { fate: 'lost' }],
  ['is lost, stop_after', lostFor(1000), waits({ stopAfterMs: 30_000 }), { fate: 'stays', inMs: 49_000 }],
  ['is lost long ago, stop_after', lostFor(50_000), waits({ stopAfterMs: 30_000 }), { fate: 'lost' }],
  ['is lost, replace_after', lostFor(1000), waits({ replaceAfterMs: 5000 }), { fate: 'stays', inMs: 4000 }],
  ['is lost long ago, replace_after', lostFor(5000), waits({ replaceAfterMs: 5000 }), { fate: 'lost' }],
])('an instance whose host %s', (_, host, release, outcome) => {
  const world = new World().addHost('h1');
  world.set('h1', host);
  expect(fatesIn(world.view, new Set(), NOW).of(PLACEMENT, release)).toEqual(outcome);
});

test('a job that may have run is not run elsewhere', () => {
  const world = new World().addHost('h1');
  world.set('h1', { isLive: false });
  expect(fatesIn(world.view, new Set(), NOW).of({ ...PLACEMENT, isBefore: true }, plain).fate).toBe('stays');
});

test('while the brake is on nothing is replaced', () => {
  const world = new World().addHost('h1');
  world.set('h1', { isLive: false });
  expect(fatesIn(world.view, new Set(['h1']), NOW).of(PLACEMENT, plain)).toEqual({ fate: 'stays' });
});
