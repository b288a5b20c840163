import { emptyDocument } from '../../lib/documents/codec';
import { compileService } from '../compose/compile';
import { isExclusive } from './rollout';

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
