import * as fc from 'fast-check';
import { ReleaseScene } from '../../test/support/release-scene';
import { ANSWER_WITHIN_MS, MAX_ASKS } from './pin-image';

const A = `sha256:${'a'.repeat(64)}`;
const B = `sha256:${'b'.repeat(64)}`;

test('a host is asked what the name means now, and the release has its digest', () => {
  const scene = new ReleaseScene('h1', 'h2').put('web:1');
  const { release, resolving } = scene.decide();
  expect(release).toBeUndefined();
  expect(resolving).toEqual({
    ...{ asked: 'h1', question: scene.wallMs, asks: 1, noDigest: {}, image: 'web:1', againInMs: ANSWER_WITHIN_MS },
    reason: 'h1 is asked for the digest of web:1',
  });
  expect(scene.answer(A).decide().release).toMatchObject({
    ...{ number: 1, image: 'web:1', unpinned: false, unpinnedReason: '' },
    container: { image: `web:1@${A}` },
  });
  expect(scene.decide()).toEqual({ problems: [] });
});

test.each([
  ['an image with a digest', `web:1@${A}`, '', false, ''],
  ['an id of an image', A, '', false, ''],
  ['an image that is never pulled', 'web:1', 'pull_policy: never', true, 'pull_policy is never'],
])('nobody is asked for %s', (_, image, lines, unpinned, reason) => {
  const { release } = new ReleaseScene('h1').put(image, lines).decide();
  expect(release).toMatchObject({ image, unpinned, container: { image } });
  expect(release!.unpinnedReason).toContain(reason);
});

test.each<[string, (scene: ReleaseScene) => unknown, string]>([
  ['that has the service', (scene) => scene.place('h3'), 'h3'],
  ['that the constraints allow', (scene) => scene.addHost('h4', { zone: 'a' }), 'h4'],
  ['that lives', (scene) => scene.change('h1', { isLive: false }), 'h2'],
  [
    'that does not go away',
    (scene) => scene.change('h1', { intent: { drain: true, reason: '', by: '' } }).change('h2', { pause: PAUSE }),
    'h3',
  ],
  [
    'of any kind, when none fits',
    (scene) => scene.change('h1', { isLive: false }).change('h2', { isLive: false }),
    'h3',
  ],
])('a host is asked %s', (_, change, asked) => {
  const scene = new ReleaseScene('h1', 'h2', 'h3').put(
    'web:1',
    'deploy: { placement: { constraints: [node.labels.zone == a] } }',
  );
  change(scene);
  expect(scene.decide().resolving?.asked).toBe(asked);
});

const PAUSE = { kind: 'host', name: 'h2', untilMs: 2e12, reason: '', by: '' };

test('without a live host the release goes without a digest', () => {
  const scene = new ReleaseScene('h1').change('h1', { isLive: false }).put('web:1');
  expect(scene.decide().release).toMatchObject({
    ...{ unpinned: true, container: { image: 'web:1' } },
    unpinnedReason: 'no host was live that could be asked for its digest',
  });
});

test.each([
  ['what the registry said', '', 'the registry knows no web:1', 'h1 got no digest of it: the registry knows no web:1'],
  ['nothing', '', '', 'h1 got no digest of it: the registry named none'],
  ['nonsense', 'sha256:x', '', 'h1 got no digest of it: the registry named none'],
])('a host that has no digest says why: %s', (_, digest, problem, reason) => {
  const scene = new ReleaseScene('h1').put('web:1');
  scene.decide();
  const { release } = scene.answer(digest, problem).decide();
  expect(release).toMatchObject({ unpinned: true, unpinnedReason: reason, container: { image: 'web:1' } });
});

test('a host without credentials is not the last word: others are asked, and one of them knows', () => {
  const scene = new ReleaseScene('h1', 'h2', 'h3').put('web:1');
  scene.decide();
  const { resolving } = scene.answer('', 'denied').wait(1).decide();
  expect(resolving).toMatchObject({ asked: 'h2', asks: 2, noDigest: { h1: 'denied' } });
  expect(resolving!.reason).toBe('h2 is asked for the digest of web:1 (2 of 3 times); h1 got no digest of it: denied');
  expect(scene.answer(A).decide().release).toMatchObject({ unpinned: false, container: { image: `web:1@${A}` } });
});

test.each([
  ['three of many', ['h1', 'h2', 'h3', 'h4'], 3, 'h1, h2, h3 got no digest of it: denied'],
  ['each once', ['h1', 'h2'], 2, 'h1, h2 got no digest of it: denied'],
])('when all say no, the release goes without: %s', (_, hosts, asks, reason) => {
  const scene = new ReleaseScene(...hosts).put('web:1');
  let decision = scene.decide();
  for (let asked = 1; decision.resolving !== undefined; asked++) {
    expect(decision.resolving.asks).toBe(asked);
    expect(asked).toBeLessThanOrEqual(asks);
    decision = scene.answer('', 'denied').wait(1).decide();
  }
  expect(decision.release).toMatchObject({ unpinned: true, unpinnedReason: reason });
});

test('one says no, another says something else, and one says nothing', () => {
  const scene = new ReleaseScene('h1', 'h2', 'h3').put('web:1');
  scene.decide();
  scene.answer('', 'denied').wait(1).decide();
  scene.answer('', 'not found').wait(1).decide();
  expect(scene.wait(ANSWER_WITHIN_MS).decide().release).toMatchObject({
    unpinnedReason: 'h1 got no digest of it: denied; h2 got no digest of it: not found; h3 did not answer in time',
  });
});

test('another image is asked of those that knew nothing of the last one', () => {
  const scene = new ReleaseScene('h1', 'h2').put('web:1');
  scene.decide();
  scene.answer('', 'denied').wait(1).decide();
  expect(scene.put('web:2').wait(1).decide().resolving).toMatchObject({ asked: 'h1', asks: 1, noDigest: {} });
});

test('a late host is not waited for, another is asked, and after three nobody is', () => {
  const scene = new ReleaseScene('h1', 'h2').put('web:1');
  const asked: string[] = [];
  let decision = scene.decide();
  while (decision.resolving !== undefined) {
    asked.push(`${decision.resolving.asked} ${decision.resolving.asks}`);
    expect(scene.wait(ANSWER_WITHIN_MS - 1).decide().resolving).toMatchObject({ againInMs: 1 });
    decision = scene.wait(1).decide();
  }
  expect(asked).toEqual(['h1 1', 'h2 2', 'h1 3']);
  expect(decision.release).toMatchObject({
    unpinned: true,
    unpinnedReason: '3 times a host was asked for its digest, h1 last, and none answered in time',
  });
});

test('a lost host is not waited for either, but its answer counts', () => {
  const scene = new ReleaseScene('h1', 'h2').put('web:1');
  scene.decide();
  scene.change('h1', { isLive: false });
  expect(scene.decide().resolving).toMatchObject({ asked: 'h2', asks: 2 });
  scene.answer(A).change('h2', { isLive: false });
  expect(scene.decide().release!.container.image).toBe(`web:1@${A}`);
});

test('an answer to another question is none', () => {
  const scene = new ReleaseScene('h1').put('web:1');
  scene.decide();
  scene.answer(A).put('web:2').wait(1);
  const { resolving } = scene.decide();
  expect(resolving).toMatchObject({ asked: 'h1', asks: 1, image: 'web:2', question: scene.wallMs });
  expect(scene.decide().resolving).toEqual({ ...resolving, againInMs: ANSWER_WITHIN_MS });
  expect(scene.answer(B).decide().release!.container.image).toBe(`web:2@${B}`);
});

test('an edit of something else does not ask again', () => {
  const scene = new ReleaseScene('h1').put('web:1');
  const { resolving } = scene.decide();
  scene.put('web:1', 'environment: { A: b }').wait(3000);
  expect(scene.decide().resolving).toEqual({ ...resolving, againInMs: ANSWER_WITHIN_MS - 3000 });
});

test.each([
  ['back by a minute and more', -120_000, 1],
  ['ahead by a minute and more', 120_000, 1],
  ['back by some seconds', -5000, 1],
  ['ahead by some seconds', 15_000, 2],
])('a new leader whose clock is %s waits for nobody for ever', (_, jumpMs, asks) => {
  const scene = new ReleaseScene('h1', 'h2').put('web:1');
  scene.decide();
  expect(scene.wait(jumpMs).decide().resolving).toMatchObject({ asks });
});

test('whatever happens, a release is cut before long, with a digest that a host named or a reason', () => {
  const happening = fc.constantFrom('answer', 'problem', 'lost', 'back', 'edit', 'nothing');
  fc.assert(
    fc.property(fc.array(fc.tuple(happening, fc.nat(12_000)), { maxLength: 40 }), (happenings) => {
      const scene = new ReleaseScene('h1', 'h2', 'h3').put('web:1');
      scene.decide();
      for (const [what, ms] of happenings) {
        const { move } = scene.wait(ms);
        if (what === 'edit') scene.put('web:1', `environment: { A: "${ms}" }`);
        if (what === 'back') for (const name of ['h1', 'h2', 'h3']) scene.change(name, { isLive: true });
        if (move !== undefined && what === 'lost') scene.change(move.asked, { isLive: false });
        if (move !== undefined && what === 'answer') scene.answer(A);
        if (move !== undefined && what === 'problem') scene.answer('', 'no');
        scene.decide();
      }
      for (let turn = 0; turn <= MAX_ASKS && scene.move !== undefined; turn++) scene.wait(ANSWER_WITHIN_MS).decide();
      const { container, unpinned, unpinnedReason } = scene.newest!;
      expect(container.image).toBe(unpinned ? 'web:1' : `web:1@${A}`);
      expect(unpinnedReason !== '').toBe(unpinned);
      expect(scene.decide()).toEqual({ problems: [] });
    }),
  );
});
