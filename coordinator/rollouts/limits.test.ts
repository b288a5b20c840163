import { emptyDocument } from '../../lib/documents/codec';
import { compileService } from '../compose/compile';
import type { Release } from '../../lib/documents/types';
import { isExclusive, limitsOf, type UpdateLimits } from './limits';

test.each<[string, boolean]>([
  ['init: true', false],
  ['ports: [80]', false],
  ['ports: ["8000-8010:80"]', false],
  ['ports: ["80:80"]', true],
  ['volumes: ["/x"]', false],
  ['volumes: ["data:/x:ro"]', false],
  ['volumes: ["data:/x"]', true],
  ['network_mode: host', true],
  ['network_mode: none', false],
  ['networks: [a]', false],
  ['networks: { a: { aliases: [b] } }', false],
  ['networks: { a: { ipv4_address: 10.0.0.2 } }', true],
  ['networks: { a: , b: { ipv6_address: "fd00::2" } }', true],
  ['networks: { a: { mac_address: "02:00:00:00:00:01" } }', true],
])('two containers of one slot with "%s" at once would fight: %s', (lines, is) => {
  const compiled = compileService('web', `image: a\n${lines}`);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  expect(isExclusive({ ...emptyDocument('Release'), container: compiled.container })).toBe(is);
});

const SAID = { parallelism: 2, delayMs: 3, monitorMs: 4, maxFailurePerMille: 5, failureAction: 'pause' };
const base = emptyDocument('Release');
const withPort = {
  ...base.container,
  ports: [{ name: '', target: 80, published: 80, protocol: 'tcp', hostIp: '' }],
};

test.each<[string, Partial<Release['deploy']['updateConfig']>, Partial<UpdateLimits>]>([
  ['what it says', {}, { ...SAID, failureAction: 'pause', isStopFirst: false }],
  ['all at once', { parallelism: 0 }, { parallelism: 1000 }],
  ['more at once than a status can name', { parallelism: 5000 }, { parallelism: 1000 }],
  ['stop-first, if it says so', { order: 'stop-first' }, { isStopFirst: true }],
])('limits: %s', (_, change, limits) => {
  const updateConfig = { order: '', ...SAID, ...change };
  expect(limitsOf({ ...base, deploy: { ...base.deploy, updateConfig } })).toMatchObject(limits);
});

test.each<[string, boolean]>([
  ['', true],
  ['start-first', false],
])('a fixed port and order "%s": stop-first is %s', (order, isStopFirst) => {
  const deploy = { ...base.deploy, updateConfig: { order, ...SAID } };
  expect(limitsOf({ ...base, container: withPort, deploy })).toMatchObject({ isStopFirst });
});

test('a release that says nothing of it moves one by one, and the way back has limits of its own', () => {
  expect(limitsOf(base)).toMatchObject({ parallelism: 1, failureAction: 'rollback' });
  const deploy = { ...base.deploy, rollbackConfig: { order: '', ...SAID, parallelism: 7 } };
  expect(limitsOf(base, { ...base, deploy })).toMatchObject({ parallelism: 7, failureAction: 'pause' });
  // What the target shares with nobody may stand beside what shared something.
  expect(limitsOf(base, { ...base, container: withPort, deploy }).isStopFirst).toBe(false);
});
