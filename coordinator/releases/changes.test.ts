import { decodeDocument, emptyDocument, encodeDocument } from '../../lib/documents/codec';
import type { Release } from '../../lib/documents/types';
import { compileService } from '../compose/compile';
import { changesBetween } from './changes';

const LISTS = `image: web:1
command: [serve, ""]
ports: [{ name: http, target: 8080 }, "9000:9000/udp"]
volumes: [{ type: tmpfs, target: /tmp, tmpfs: { size: 1m } }]
ulimits: { nofile: 1000 }
healthcheck: { test: ["CMD", "/check"] }
deploy: { update_config: { parallelism: 0 } }
`;

function releaseOf(text: string): Release {
  const compiled = compileService('web', text);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  const { container, deploy } = compiled;
  return { ...emptyDocument('Release'), service: 'web', number: 1, container, deploy };
}

/** As the coordinator reads it again. */
const inEtcd = (release: Release): Release => decodeDocument('Release', encodeDocument('Release', release));

test('a release from etcd and the same one from the compiler say the same', () => {
  expect(changesBetween(inEtcd(releaseOf(LISTS)), releaseOf(LISTS))).toEqual([]);
});

test.each([
  ['a port', 'target: 8080', 'target: 8081', 'container.ports'],
  ['an order', '[serve, ""]', '["", serve]', 'container.command'],
  ['an empty word', '[serve, ""]', '[serve]', 'container.command'],
  ['a mount', 'size: 1m', 'size: 2m', 'container.mounts'],
  ['a variable that is empty', 'image: web:1', 'environment: { A: "" }\nimage: web:1', 'container.environment.A'],
])('%s of a list is a change of that list, and of nothing else', (_, from, to, path) => {
  expect(changesBetween(inEtcd(releaseOf(LISTS)), releaseOf(LISTS.replace(from, to)))).toEqual([path]);
});
