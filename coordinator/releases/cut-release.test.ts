import * as fc from 'fast-check';
import { emptyDocument } from '../../lib/documents/codec';
import type { Release } from '../../lib/documents/types';
import { specHash } from '../../lib/release/spec-hash';
import { textHash } from '../../lib/release/text-hash';
import { ReleaseScene } from '../../test/support/release-scene';
import { compileService } from '../compose/compile';

const A = `sha256:${'a'.repeat(64)}`;
const B = `sha256:${'b'.repeat(64)}`;

/** As a Berth cut them that knew neither rollouts, config nor digests. */
function ofBefore(image: string, lines = ''): Release {
  const compiled = compileService('web', `image: ${image}\n${lines}`);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  const empty = emptyDocument('Release');
  const { updateConfig, rollbackConfig, rolloutDeadlineMs } = empty.deploy;
  return {
    ...{ ...empty, service: 'web', number: 1, container: compiled.container, unpinned: !image.includes('@') },
    deploy: { ...compiled.deploy, updateConfig, rollbackConfig, rolloutDeadlineMs },
  };
}

test.each([
  ['count', 'deploy: { replicas: 3 }', ['deploy.replicas']],
  ['limits', 'deploy: { resources: { limits: { memory: 64M } } }', ['container.limits.memoryBytes']],
  ['update policy', 'deploy: { update_config: { parallelism: 2 } }', ['deploy.updateConfig.parallelism']],
  ['probe', 'x-berth: { probe: { tcp: { port: 80 } } }', ['deploy.probe']],
])('another %s is another release that keeps the digest and needs no new container', (_, lines, changes) => {
  const scene = new ReleaseScene('h1').put('web:1');
  const first = scene.cut(A)!;
  const { release } = scene.put('web:1', lines).decide();
  expect(release).toMatchObject({ number: 2, unpinned: false, container: { image: `web:1@${A}` }, changes });
  expect(specHash(release!.container, release!.config)).toBe(specHash(first.container, first.config));
});

test('another image is asked for; the same one with another environment is not', () => {
  const scene = new ReleaseScene('h1').put('web:1');
  scene.cut(A);
  expect(scene.put('web:1', 'environment: { A: b }').decide().release).toMatchObject({
    container: { image: `web:1@${A}` },
    changes: ['container.environment.A'],
  });
  expect(scene.put('web:2', 'environment: { A: b }').cut(B)).toMatchObject({
    ...{ number: 3, image: 'web:2', container: { image: `web:2@${B}` }, changes: ['container.image'] },
  });
});

test('an image without a digest stays so while its containers do, and is asked for with the next ones', () => {
  const scene = new ReleaseScene('h1').put('web:1');
  scene.decide();
  const unpinned = scene.answer('', 'no such image').decide().release!;
  const scaled = scene.put('web:1', 'deploy: { replicas: 2 }').decide().release!;
  expect(scaled).toMatchObject({ unpinned: true, unpinnedReason: unpinned.unpinnedReason });
  expect(specHash(scaled.container)).toBe(specHash(unpinned.container));
  expect(scene.put('web:1', 'user: app').cut(A)).toMatchObject({ unpinned: false, container: { image: `web:1@${A}` } });
});

test.each([
  ['spaces and comments', '# a comment\nimage:   web:1\n'],
  ['JSON', '{"image": "web:1"}'],
  ['what is the default', 'image: web:1\ndeploy: { replicas: 1, update_config: { parallelism: 1 } }'],
])('a document that says the same otherwise, with %s, needs no release', (_, text) => {
  const scene = new ReleaseScene('h1').put('web:1');
  scene.cut(A);
  scene.text = text;
  scene.revision++;
  expect(scene.decide()).toEqual({ problems: [] });
});

test.each([
  ['the least', 'web:1', ''],
  ['with a digest', `web:1@${A}`, ''],
  ['a whole one', 'web:1', 'ports: ["80:80"]\nenvironment: { A: b }\ndeploy: { replicas: 3 }\ndepends_on: [db]'],
])('a release of an older Berth counts as what it says: %s', (_, image, lines) => {
  const scene = new ReleaseScene('h1').put(image, lines);
  const old = ofBefore(image, lines);
  scene.releases.set(1, old);
  expect(scene.decide()).toEqual({ problems: [] });
  // Its next one, of a scale, needs no new container, and asks nobody.
  const { release } = scene.put(image, `${lines}\nstop_grace_period: 10s\nx-berth: { canary: 1 }`).decide();
  expect(release).toMatchObject({ number: 2, changes: ['deploy.canary'] });
  expect(specHash(release!.container, release!.config)).toBe(specHash(old.container));
});

test('an edit of a release of an older Berth is another release', () => {
  const scene = new ReleaseScene('h1').put('web:2');
  scene.releases.set(1, ofBefore('web:1'));
  expect(scene.cut(A)).toMatchObject({ number: 2, changes: ['container.image'] });
});

const CONFIGURED = 'environment: { URL: "{{.Config.URL}}" }';

test('values of config are part of the release, and another value is another release', () => {
  const scene = new ReleaseScene('h1').put('web:1', CONFIGURED);
  scene.cluster.set('URL', 'a').set('OTHER', 'x');
  const first = scene.cut(A)!;
  expect(first.config).toEqual({ URL: 'a' });
  scene.cluster.set('OTHER', 'y');
  expect(scene.decide()).toEqual({ problems: [] });
  scene.own.set('URL', 'b');
  const { release } = scene.decide();
  expect(release).toMatchObject({ number: 2, config: { URL: 'b' }, changes: ['config.URL'] });
  expect(release!.container).toEqual(first.container);
  expect(specHash(release!.container, release!.config)).not.toBe(specHash(first.container, first.config));
});

test('with a key that no layer has, nothing is cut, and the problem says where', () => {
  const scene = new ReleaseScene('h1').put('web:1', CONFIGURED);
  const { release, resolving, problems } = scene.decide();
  expect([release, resolving]).toEqual([undefined, undefined]);
  expect(problems).toMatchObject([{ rule: 'missing-config', path: 'environment.URL', line: 2, column: 21 }]);
  scene.cluster.set('URL', '');
  expect(scene.cut(A)).toMatchObject({ config: { URL: '' } });
});

test.each([
  ['a volume', 'volumes: ["{{.Config.V}}:/x"]', 'a/b', /"a\/b" is no name of a volume/, '2:11'],
  ['a folder for a volume', 'volumes: ["{{.Config.V}}:/x"]', '/srv', /write the long form: type: bind/, '2:11'],
  ['a bind', 'volumes: [{ type: bind, source: "{{.Config.V}}", target: /x }]', 'srv', /"srv" is relative/, '2:33'],
  ['a target', 'volumes: ["ab:{{.Config.V}}"]', 'x', /no place to mount at/, '2:11'],
  ['a target that is taken', 'volumes: ["ab:/x", "cd:{{.Config.V}}"]', '/x/', /a second mount at \/x/, '2:20'],
  ['a hostname', 'hostname: "{{.Config.V}}"', 'a_b', /"a_b" is no hostname/, '2:11'],
])('a value that makes no sense as %s refuses the release', (_, lines, value, message, place) => {
  const scene = new ReleaseScene('h1').put('web:1', lines);
  scene.cluster.set('V', value);
  const { problems } = scene.decide();
  expect(problems.map(({ rule, line, column }) => `${rule} ${line}:${column}`)).toEqual([`bad-value ${place}`]);
  expect(problems[0]!.message).toMatch(/^as config has it now, /);
  expect(problems[0]!.message).toMatch(message);
});

test('a value that makes sense is taken', () => {
  const scene = new ReleaseScene('h1').put('web:1', 'volumes: [{ type: bind, source: "{{.Config.V}}", target: /x }]');
  scene.cluster.set('V', '/srv');
  expect(scene.cut(A)).toMatchObject({ config: { V: '/srv' } });
});

test('numbers that are taken are not given out again: written, unreadable or reported', () => {
  const scene = new ReleaseScene('h1').put('web:1');
  const status = { ...emptyDocument('HostStatus'), service: 'web', release: 7 };
  scene.reports.push({ host: scene.hosts.get('h1')!, id: 'web-1-a', status: status as never });
  scene.unreadable.add(5);
  expect(scene.cut(A)).toMatchObject({ number: 8 });
  scene.unreadable.add(12);
  expect(scene.put('web:2').cut(A)).toMatchObject({ number: 13 });
});

test('who applied a document is in its release, unless somebody else wrote it since', () => {
  const scene = new ReleaseScene('h1').put('web:1', CONFIGURED);
  scene.cluster.set('URL', 'a');
  scene.intent = { ...scene.intent, author: { by: 'ada@desk', atMs: 1, textHash: textHash(scene.text) } };
  expect(scene.cut(A)).toMatchObject({
    author: 'ada@desk',
    serviceRevision: scene.revision,
    createdAtMs: scene.wallMs,
  });
  // The document is as she wrote it, but it is not she who changed the config.
  scene.cluster.set('URL', 'b');
  expect(scene.decide().release).toMatchObject({ author: '' });
  expect(scene.put('web:1', `${CONFIGURED}\nuser: app`).decide().release).toMatchObject({ author: '' });
});

test('at most 50 changes are named', () => {
  const scene = new ReleaseScene('h1').put('web:1');
  scene.cut(A);
  const variables = Array.from({ length: 60 }, (_, index) => `A${index}: x`);
  const { release } = scene.put('web:1', `environment: { ${variables.join(', ')} }`).decide();
  expect(release!.changes).toHaveLength(50);
});

test('a document that is refused, or is gone, cuts nothing', () => {
  expect(new ReleaseScene('h1').put('web:1', 'nope: 1').decide()).toEqual({ problems: [] });
});

test('whatever is edited, each release is cut once, and follows from what is written alone', () => {
  const edit = fc.record({
    image: fc.constantFrom('web:1', 'web:2', `web:3@${B}`),
    lines: fc.constantFrom('', CONFIGURED, 'x-berth: { config: all }', 'deploy: { replicas: 2 }'),
    url: fc.constantFrom('a', 'b'),
    other: fc.constantFrom('c', 'd'),
  });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 20 }), (edits) => {
      const scene = new ReleaseScene('h1');
      for (const { image, lines, url, other } of edits) {
        const before = scene.newest;
        scene.put(image, lines).wait(60_001);
        scene.cluster.set('URL', url).set('OTHER', other);
        const release = scene.cut(A);
        expect(scene.decide()).toEqual({ problems: [] });
        const taken = lines === CONFIGURED ? { URL: url } : lines.includes('all') ? { OTHER: other, URL: url } : {};
        expect(scene.newest).toMatchObject({ image, config: taken, unpinned: false });
        expect(release === undefined).toBe(scene.newest === before);
        if (release !== undefined) expect(release.changes.length > 0).toBe(before !== undefined);
      }
    }),
    { numRuns: 50 },
  );
});
