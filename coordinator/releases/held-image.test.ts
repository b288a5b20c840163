/** An etcd that was emptied: which bits an image's name means. */
import { decodeDocument, emptyDocument } from '../../lib/documents/codec';
import type { InstanceStatus } from '../../lib/documents/types';
import { OperatedCluster } from '../../test/support/operated-cluster';
import { ReleaseScene } from '../../test/support/release-scene';
import type { HostView } from '../view';
import { heldImage } from './held-image';

const A = `sha256:${'a'.repeat(64)}`;
const B = `sha256:${'b'.repeat(64)}`;

const report = (image: string | undefined, release = 1, held = true) => ({
  ...{ host: { name: 'h1' } as HostView, id: 'web-1-a' },
  status: {
    ...emptyDocument('HostStatus').instances['x']!,
    service: 'web',
    release,
    held,
    ...(image && { image }),
  } as InstanceStatus,
});

test.each([
  ['what was made from it', [report(`web:1@${A}`)], `web:1@${A}`],
  ['what most run', [report(`web:1@${B}`, 9), report(`web:1@${A}`), report(`web:1@${A}`)], `web:1@${A}`],
  ['of as many, the later release', [report(`web:1@${A}`, 8), report(`web:1@${B}`, 9)], `web:1@${B}`],
  ['another tag says nothing', [report(`web:12@${A}`), report(`web:2@${A}`)], undefined],
  ['without a digest it says nothing', [report('web:1'), report(undefined), report('web:1@sha256:x')], undefined],
  ['assigned again meanwhile', [report(`web:1@${A}`, 1, false)], `web:1@${A}`],
])('the digest of web:1: %s', (_, reports, image) => {
  expect(heldImage(reports, 'web:1')).toBe(image);
});

describe('the next release', () => {
  function holding(scene = new ReleaseScene('h1')): ReleaseScene {
    scene.reports.push(report(`web:1@${A}`, 7));
    return scene;
  }

  test('has the bits that are held, and nobody is asked', () => {
    const { release, resolving } = holding().put('web:1').decide();
    expect(resolving).toBeUndefined();
    expect(release).toMatchObject({ number: 8, image: 'web:1', unpinned: false, container: { image: `web:1@${A}` } });
  });

  test.each([
    ['another image', 'web:2', ''],
    ['an image that says which bits', `web:1@${B}`, ''],
    ['an image that is never pulled', 'web:1', 'pull_policy: never'],
  ])('is not of them when it wants %s', (_, image, lines) => {
    const { release, resolving } = holding().put(image, lines).decide();
    expect(release?.container.image ?? resolving?.image).toBe(image);
  });

  test('one that was cut before hosts told what they hold is cut anew, once', () => {
    const scene = new ReleaseScene('h1').change('h1', { isLive: false }).put('web:1');
    expect(scene.decide().release).toMatchObject({ number: 1, unpinned: true });
    holding(scene.change('h1', { isLive: true }));
    expect(scene.decide().release).toMatchObject({
      ...{ number: 8, unpinned: false, container: { image: `web:1@${A}` } },
      reason: 'cut anew, since what hosts hold says which digest its image has',
    });
    expect(scene.decide()).toEqual({ problems: [] });
  });

  test('a redeploy asks all the same', () => {
    const scene = holding().put('web:1');
    scene.decide();
    const redeploy = { atMs: 7, insteadOf: 8, force: false, reason: '', by: '' };
    scene.intent = { ...emptyDocument('ServiceIntent'), redeploy };
    expect(scene.decide().resolving).toMatchObject({ image: 'web:1' });
  });
});

describe('an etcd that was emptied while no registry answers', () => {
  const WEB = 'image: web:1\ndeploy: { replicas: 4, update_config: { monitor: 0s } }\n';
  const HOSTS = ['h1', 'h2', 'h3'];
  let cluster: OperatedCluster;
  const running = (): readonly string[] => HOSTS.flatMap((host) => [...cluster.agent(host).running.keys()]).sort();
  const image = async (): Promise<readonly string[]> => {
    const { kvs } = await cluster.etcd.range({ prefix: cluster.keys.releasesOf('web') });
    return kvs.map(({ value }) => decodeDocument('Release', value).container.image);
  };

  beforeEach(async () => {
    cluster = await OperatedCluster.start(...HOSTS);
    for (const host of HOSTS) cluster.agent(host).digests.set('web:1', A);
    await cluster.put(cluster.keys.service('web'), WEB);
    await cluster.clock.advance(5000);
    for (const host of HOSTS) cluster.agent(host).digests.clear();
  });

  test.each([
    ['the agents are back first', 10_000],
    ['the services are back first', 0],
  ])('nothing is rolled out when it is filled again: %s', async (_, waitMs) => {
    const before = running();
    cluster.etcd.faults.wipe();
    await cluster.clock.advance(waitMs);
    await cluster.put(cluster.keys.service('web'), WEB);
    await cluster.clock.advance(60_000);
    expect(HOSTS.flatMap((host) => cluster.agent(host).stopped)).toEqual([]);
    expect(running()).toEqual(before);
    expect((await image()).at(-1)).toBe(`web:1@${A}`);
    const { services } = await cluster.lead.api.listServices({ services: [] });
    expect(services).toMatchObject([{ status: { rollout: 'steady', running: 4, placed: 4 } }]);
  });
});
