/** Images that the agent pulled from a real registry, on a real engine: which go, and which stay. */
import { imagesInFolder } from '../../agent/tidy/image-notes';
import { OwnImages, TIDIED_MS } from '../support/own-images';
import { startSource } from '../support/source-process';
import { sleep, until } from '../support/wait';

jest.setTimeout(120_000);

const DISK_MEGABYTES = 200;
/** Of one release, on a disk of 200: while it is pulled, the packed layer lies beside the unpacked one. */
const RELEASE_MEGABYTES = 25;

let host: OwnImages;

beforeAll(async () => {
  host = await OwnImages.start(DISK_MEGABYTES);
  const push = (repository: string, tag: string, megabytes: number): Promise<string> =>
    host.registry.push({ repository, tag, layerMegabytes: [megabytes] });
  for (let number = 1; number <= 5; number++) await push('web', String(number), 1);
  for (let number = 11; number <= 15; number++) await push('web', String(number), RELEASE_MEGABYTES);
  await push('web', '21', 60);
  await push('foreign', '1', 1);
});
afterAll(() => host.stop());
afterEach(() => host.removeAll());

const settled = (images: string): Promise<unknown> =>
  until(`the images to be ${images}`, async () => {
    const seen = await host.images();
    if (seen !== images) throw new Error(seen);
    return true;
  });

test('older releases go; what was there before, what others pulled and what a foreign container uses stays', async () => {
  await host.begin({ keepReleases: 1 });
  await host.pull('foreign:1', host.engine);
  await host.pull('web:2', host.engine);
  await host.roll(1, 2, 3, 4, 5);
  await host.own.docker('create', '--name', 'foreign', host.nameOf('web:1'));
  await host.own.docker('run', '-d', '--name', 'busy', host.nameOf('foreign:1'));
  const containers = await host.own.docker('ps', '-a', '--no-trunc', '--format', '{{.ID}} {{.State}} {{.Image}}');
  await sleep(TIDIED_MS);
  await settled('foreign:1 web:1 web:2 web:5');
  expect(await host.own.docker('ps', '-a', '--no-trunc', '--format', '{{.ID}} {{.State}} {{.Image}}')).toBe(containers);
  // Once the foreign container is gone, the image is only Berth's.
  await host.own.docker('rm', 'foreign');
  await sleep(TIDIED_MS);
  await settled('foreign:1 web:2 web:5');
});

test('one that got another name stays by that name; one whose name was moved goes by its id', async () => {
  await host.begin({ keepReleases: 1 });
  await host.roll(1, 2);
  await host.own.docker('tag', host.nameOf('web:1'), 'mine:1');
  const second = await host.own.docker('images', '-q', '--no-trunc', host.nameOf('web:2'));
  await host.roll(3);
  await host.own.docker('tag', host.nameOf('web:3'), host.nameOf('web:2'));
  await sleep(TIDIED_MS);
  await settled('mine:1 web:2 web:3');
  const ids = await host.own.docker('images', '-aq', '--no-trunc');
  expect(ids.split('\n')).not.toContain(second);
});

test('by digest: what is pulled so goes so', async () => {
  const digest = await host.registry.push({ repository: 'pinned', tag: '1', layerMegabytes: [1] });
  await host.begin({ keepReleases: 0 });
  await host.pull(`pinned@${digest}`);
  await host.roll(1);
  expect((await host.own.docker('images', '-q')).split('\n')).toHaveLength(2);
  await sleep(TIDIED_MS);
  await settled('web:1');
});

test('an agent that is killed between a pull and its note leaves an image that is nobody’s', async () => {
  const killed = startSource('test/support/pull-until-killed.ts', [
    host.own.address,
    host.folder,
    host.nameOf('web:1'),
  ]);
  expect(await killed.exit()).toBe('SIGKILL');
  expect(await host.images()).toBe('web:1');
  expect(await imagesInFolder(host.folder).load()).toEqual({ images: [], services: {} });
  await host.begin({ keepReleases: 0 });
  await host.roll(1, 2, 3);
  await sleep(TIDIED_MS);
  await settled('web:1 web:3');
});

test('on a disk that gets full the oldest go, until there is room', async () => {
  await host.begin({ keepReleases: 50, highWater: 0.6 });
  await host.roll(11, 12, 13, 14);
  // Four of them are less than the mark.
  await sleep(500);
  await settled('web:11 web:12 web:13 web:14');
  await host.roll(15);
  await settled('web:12 web:13 web:14 web:15');
  expect(host.tidy.problem).toBeUndefined();
});

test('a disk that is full of what is not Berth’s is a problem of the host, and nothing is touched', async () => {
  await host.pull('web:11', host.engine);
  await host.begin({ keepReleases: 50, highWater: 0.01 });
  await host.roll(1);
  await until('the problem', () => host.tidy.problem?.rule === 'image-disk');
  expect(await host.images()).toBe('web:1 web:11');
});

test('a pull that finds no space makes some, and works the next time', async () => {
  await host.begin({ keepReleases: 50, highWater: 0.99 });
  await host.roll(11, 12, 13, 14);
  await expect(host.pull('web:21')).rejects.toMatchObject({ code: 'no-space' });
  await settled('web:14');
  await host.pull('web:21');
  expect(await host.images()).toBe('web:14 web:21');
});
