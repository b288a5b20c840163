import { NOTHING_TO_LEAVE } from '../../plan/types';
import { identityLabels, readIdentity } from './labels';

const IDENTITY = {
  instance: 'web-1',
  service: 'web',
  slot: 1,
  release: 7,
  spec: '1:abc',
  image: `web:1@sha256:${'a'.repeat(64)}`,
};
const HOOK = { command: ['/bin/bye'], user: '', privileged: false, workingDir: '', environment: { A: 'b' } };
const PORTS = [{ name: 'http', target: 80, published: 20_000, protocol: 'tcp' }];
const LEAVE = { drainMs: 5, preStop: [HOOK], dependsOn: ['db'] };
const OWNER = { host: 'h1', prefix: '/berth' };
const LABELS = identityLabels(IDENTITY, OWNER, PORTS, LEAVE, '');

test('what is written is read back', () => {
  expect(readIdentity(LABELS)).toEqual({ ...IDENTITY, ports: PORTS, leave: LEAVE });
  const plain = identityLabels(IDENTITY, OWNER, PORTS, NOTHING_TO_LEAVE, '');
  expect(plain).not.toHaveProperty('berth.leave');
  expect(readIdentity(plain)).toEqual({ ...IDENTITY, ports: PORTS, leave: NOTHING_TO_LEAVE });
});

test.each([
  ['none, of an older agent', undefined],
  ['more than any image is called', 'x'.repeat(2000)],
])('an image that is not told is none: %s', (_, image) => {
  const { image: known, ...identity } = IDENTITY;
  expect(LABELS['berth.image']).toBe(known);
  const labels: Record<string, string> = { ...LABELS, 'berth.image': image ?? '' };
  if (image === undefined) delete labels['berth.image'];
  const read = readIdentity(labels);
  expect(read).toEqual({ ...identity, ports: PORTS, leave: LEAVE });
});

test.each<[string, string, string | undefined]>([
  ['no instance', 'berth.instance', ''],
  ['no spec', 'berth.spec', undefined],
  ['a release of another service', 'berth.release', 'api@7'],
  ['a release without a number', 'berth.release', 'web'],
  ['a release beyond all numbers', 'berth.release', 'web@99999999999999999999'],
  ['a slot that is no number', 'berth.slot', 'x'],
  ['a slot that no document can hold', 'berth.slot', '99999999999'],
  ['ports that are no JSON', 'berth.ports', '{'],
  ['ports that are no list', 'berth.ports', '{}'],
  ['a port that is none', 'berth.ports', '[null]'],
  ['a port that no document can hold', 'berth.ports', JSON.stringify([{ ...PORTS[0], published: 1e12 }])],
])('%s: not as we write them', (_, name, value) => {
  const labels: Record<string, string> = { ...LABELS, [name]: value ?? '' };
  if (value === undefined) delete labels[name];
  expect(readIdentity(labels)).toBeUndefined();
});

test.each(['{', 'null', '{}', JSON.stringify({ ...LEAVE, drainMs: -1 }), JSON.stringify({ ...LEAVE, preStop: [{}] })])(
  'a way to leave that is not as we write it is none: %s',
  (text) => {
    expect(readIdentity({ ...LABELS, 'berth.leave': text })?.leave).toEqual(NOTHING_TO_LEAVE);
  },
);
