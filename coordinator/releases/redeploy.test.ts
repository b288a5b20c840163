/** The same document, rolled out once more: the decision and the rollout. */
import * as fc from 'fast-check';
import { emptyDocument } from '../../lib/documents/codec';
import type { ServiceIntent } from '../../lib/documents/types';
import { ReleaseScene } from '../../test/support/release-scene';
import { World } from '../../test/support/world';
import { ANSWER_WITHIN_MS, MAX_ASKS } from './pin-image';

const A = `sha256:${'a'.repeat(64)}`;
const B = `sha256:${'b'.repeat(64)}`;

type Wish = NonNullable<ServiceIntent['redeploy']>;
const wish = (insteadOf: number, more: Partial<Wish> = {}): ServiceIntent => ({
  ...emptyDocument('ServiceIntent'),
  redeploy: { atMs: 7, insteadOf, force: false, reason: '', by: 'ann@ops', ...more },
});

describe('what is decided', () => {
  function wished(more: Partial<Wish> = {}, image = 'web:1', lines = ''): ReleaseScene {
    const scene = new ReleaseScene('h1', 'h2').put(image, lines);
    scene.cut(A);
    scene.intent = wish(1, more);
    return scene.wait(1000);
  }

  test('another digest is another release, by whom and why it was asked for', () => {
    const scene = wished({ reason: 'new base image' });
    expect(scene.decide().resolving).toMatchObject({ image: 'web:1', asks: 1 });
    expect(scene.answer(B).decide().release).toMatchObject({
      ...{ number: 2, image: 'web:1', container: { image: `web:1@${B}` }, changes: ['container.image'], redeploys: 0 },
      ...{ author: 'ann@ops', reason: 'redeployed: new base image' },
    });
    expect(scene.decide()).toEqual({ problems: [] });
  });

  test('the same digest is no release, and is answered', () => {
    const scene = wished();
    scene.decide();
    expect(scene.answer(A).decide()).toEqual({ redeploy: { wish: 7, digest: A, reason: '' }, problems: [] });
  });

  test('the same digest by force is a release that needs new containers, and so is the next one by force', () => {
    const scene = wished({ force: true });
    scene.decide();
    expect(scene.answer(A).decide().release).toMatchObject({
      ...{ number: 2, container: { image: `web:1@${A}` }, changes: ['redeploys'], redeploys: 1 },
      reason: 'redeployed by force',
    });
    expect(scene.decide()).toEqual({ problems: [] });
    scene.intent = wish(2, { force: true });
    scene.wait(60_001).decide();
    expect(scene.answer(A).decide().release).toMatchObject({ number: 3, redeploys: 2 });
    // Everything else stays what it is: no containers are made anew for another count.
    expect(scene.put('web:1', 'deploy: { replicas: 2 }').decide().release).toMatchObject({ number: 4, redeploys: 2 });
  });

  test.each([
    ['answers that nobody knows', (scene: ReleaseScene) => scene.answer('', 'denied')],
    ['does not answer', (scene: ReleaseScene) => scene.wait(ANSWER_WITHIN_MS)],
  ])('when every host %s, nothing changes but by force: then the known bits are taken', (_, happens) => {
    for (const force of [false, true]) {
      const scene = wished({ force });
      let decision = scene.decide();
      for (let asks = 0; asks < MAX_ASKS && decision.resolving !== undefined; asks++)
        decision = happens(scene).decide();
      if (force)
        expect(decision.release).toMatchObject({ redeploys: 1, unpinned: false, container: { image: `web:1@${A}` } });
      else
        expect(decision.redeploy).toMatchObject({
          wish: 7,
          digest: '',
          reason: expect.stringMatching(/denied|in time/),
        });
    }
  });

  test.each([
    ['an image with a digest', `web:1@${A}`, ''],
    ['an image that is never pulled', 'web:1', 'pull_policy: never'],
  ])('%s is made anew by force, and nobody is asked', (_, image, lines) => {
    const scene = wished({ force: true }, image, lines);
    expect(scene.decide().release).toMatchObject({ number: 2, redeploys: 1, container: { image } });
  });

  test('an edit at the same time is one release with it', () => {
    const scene = wished();
    scene.put('web:1', 'environment: { A: b }').decide();
    expect(scene.answer(B).decide().release).toMatchObject({
      ...{ number: 2, container: { image: `web:1@${B}` }, reason: '' },
      changes: ['container.environment.A', 'container.image'],
    });
    const same = wished();
    same.put('web:1', 'environment: { A: b }').decide();
    expect(same.answer(A).decide().release).toMatchObject({ changes: ['container.environment.A'] });
  });

  test('one that is about another release is over', () => {
    const scene = wished();
    scene.intent = wish(2);
    expect(scene.decide()).toEqual({ problems: [] });
  });
});

describe('how it is rolled out', () => {
  const three = (): World => new World().addHost('h1').addHost('h2').addHost('h3');
  const force = (world: World): void =>
    void world.serviceIntents.set('web', {
      document: wish(Math.max(...world.releases.get('web')!.keys()), { force: true }),
      modRevision: 1,
    });

  test('by force every instance is another one, and never is one missing', () => {
    const world = three().put('web', { replicas: 3 }).put('api', { replicas: 2 });
    world.settle();
    const [before, others] = [world.ids('web'), world.ids('api')];
    force(world);
    expect(world.settle('web')).toBe(3);
    expect(world.ids('web').filter((id) => before.includes(id))).toEqual([]);
    expect(world.ids('web')).toHaveLength(3);
    expect(world.ids('api')).toEqual(others);
    const after = world.ids('web');
    world.put('web', { replicas: 4 }).settle();
    expect(world.ids('web')).toEqual(expect.arrayContaining([...after]));
  });

  test('one that fails goes back, and what was not replaced yet stays', () => {
    const world = three().put('web', { replicas: 3, deploy: { updateConfig: ROLLBACK } });
    world.settle();
    const before = world.ids('web');
    world.broken.add('a:1');
    force(world);
    for (let turn = 0; turn < 4; turn++) {
      world.plan();
      world.act();
    }
    world.broken.clear();
    world.settle();
    expect(world.serviceStatuses.get('web')!.document).toMatchObject({ rollout: 'rolled-back', currentRelease: 1 });
    expect(before.filter((id) => world.ids('web').includes(id)).length).toBeGreaterThan(0);
  });

  test('frozen, it waits', () => {
    const world = three().put('web', { replicas: 3 });
    world.settle();
    const before = world.ids('web');
    force(world);
    const { document } = world.serviceIntents.get('web')!;
    const freeze = { reason: '', by: '', atMs: 1 };
    world.serviceIntents.set('web', { document: { ...document, freeze }, modRevision: 2 });
    world.settle();
    expect(world.ids('web')).toEqual(before);
    world.serviceIntents.set('web', { document, modRevision: 3 });
    world.settle();
    expect(world.ids('web').filter((id) => before.includes(id))).toEqual([]);
  });

  test('whenever the leader dies, the next one goes on, and makes each anew once', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(4), { maxLength: 12 }), (writes) => {
        const world = three().put('web', { replicas: 3 });
        world.settle();
        const before = world.ids('web');
        force(world);
        for (const upTo of writes) {
          world.plan(upTo);
          world.act();
        }
        world.settle();
        expect(world.ids('web').filter((id) => before.includes(id))).toEqual([]);
        expect([...world.releases.get('web')!.keys()]).toEqual([1, 2]);
      }),
      { numRuns: 30 },
    );
  });

  test('after an emptied etcd what was made anew is adopted', () => {
    const world = three().put('web', { replicas: 3 });
    world.settle();
    force(world);
    world.settle();
    const before = world.ids('web');
    world.wipe();
    world.serviceIntents.clear();
    world.put('web', { replicas: 3 }).settle();
    expect(world.ids('web')).toEqual(before);
  });
});

const ROLLBACK = { ...emptyDocument('Release').deploy.updateConfig, parallelism: 1, failureAction: 'rollback' };
