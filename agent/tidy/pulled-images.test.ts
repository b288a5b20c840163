/** Whose an image is. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { releaseOf } from '../../test/support/desired';
import { over } from '../../test/support/loop-host';
import { imagesInMemory } from '../../test/support/tidying';
import { HOUR_MS, TidyHost } from '../../test/support/tidy-host';
import { EngineError, type Engine } from '../docker/engine';
import { readDiskUse } from './disk-use';
import { imagesInFolder, type ImageNotes } from './image-notes';

let host: TidyHost;
beforeEach(() => (host = new TidyHost()));
afterEach(() => host.end());

test('one that was there before is never ours, even if Berth pulls it again', async () => {
  host.docker.images.add('web:1');
  await host.begin({ keepReleases: 0 });
  await host.roll(1, 2, 3);
  await host.clock.advance(2 * HOUR_MS);
  expect(host.images).toBe('web:1 web:3');
});

test('one that was removed by hand and brought back by somebody else is not ours any more', async () => {
  await host.begin({ keepReleases: 0 });
  await host.roll(1, 2);
  host.docker.images.delete('web:1');
  // Below the mark and before the hour nothing is looked for; a look finds it gone.
  await host.clock.advance(2 * HOUR_MS);
  host.docker.images.add('web:1');
  await host.clock.advance(2 * HOUR_MS);
  expect(host.images).toBe('web:1 web:2');
});

test('one whose note did not come to disk before the agent died is nobody’s', async () => {
  const copy = imagesInMemory();
  await host.begin({ copy: { ...copy, save: () => new Promise(() => undefined) } });
  void host.pull('web:1');
  await host.clock.advance(10);
  expect(host.images).toBe('web:1');
  host.end();
  await host.begin({ copy, keepReleases: 0 });
  await host.roll(2);
  await host.clock.advance(2 * HOUR_MS);
  expect(host.images).toBe('web:1 web:2');
});

test('one that was pulled while Docker did not say what is there is nobody’s', async () => {
  await host.begin({ keepReleases: 0 });
  host.docker.fail('images', new EngineError('timeout', 'hangs'));
  await host.roll(1, 2);
  await host.clock.advance(2 * HOUR_MS);
  expect(host.images).toBe('web:1 web:2');
});

test('a note that can not be written costs nothing while the agent lives, and is said', async () => {
  await host.begin({ keepReleases: 0, copy: { ...imagesInMemory(), save: () => Promise.reject(new Error('ENOSPC')) } });
  await host.roll(1, 2);
  await host.clock.advance(2 * HOUR_MS);
  expect(host.images).toBe('web:2');
  expect(host.lines).toContainEqual(expect.objectContaining({ level: 'error', fields: { reason: 'ENOSPC' } }));
});

test('one that a container of whomever uses stays, and Docker is not even asked', async () => {
  await host.begin({ keepReleases: 0 });
  await host.roll(1, 2);
  const { container, deploy } = releaseOf('x', { image: 'web:1' });
  const identity = {
    instance: 'x',
    service: 'x',
    slot: 1,
    release: 1,
    spec: '',
    publishedPorts: [],
    config: {},
    isJob: false,
  };
  host.docker.create({ ...identity, container, deploy }, { host: 'other', prefix: '/other' });
  await host.clock.advance(2 * HOUR_MS);
  expect(host.images).toBe('web:1 web:2');
  expect(host.removals).toEqual([]);
});

test('one that Docker refuses to remove stays, the others go, and it is said once', async () => {
  const refusing = (engine: Engine): Engine =>
    over(engine, {
      removeImage: (name) =>
        name === 'web:1'
          ? Promise.reject(new EngineError('bad-request', 'conflict: it is in use'))
          : engine.removeImage(name),
    });
  await host.begin({ keepReleases: 0 }, refusing);
  await host.roll(1, 2, 3);
  await host.clock.advance(5 * HOUR_MS);
  expect(host.images).toBe('web:1 web:3');
  expect(host.lines.filter(({ message }) => message === 'image web:1 stays')).toHaveLength(1);
});

describe('on disk', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'berth-images-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const NOTES: ImageNotes = {
    images: [{ reference: 'web:1', id: 'sha256:1', names: ['web:1'], usedMs: 5 }],
    services: {
      web: { releases: [{ number: 1, image: 'web:1' }] },
      job: { releases: [], goneSinceMs: 7 },
    },
  };

  test('what was saved is there for the next agent', async () => {
    await imagesInFolder(folder).save(NOTES);
    expect(await imagesInFolder(folder).load()).toEqual(NOTES);
  });

  test.each([
    ['there is none', undefined],
    ['it is no JSON', '{"images":['],
    ['it is something else', '[1]'],
    ['it is nothing', 'null'],
    ['its parts are something else', '{"images":{},"services":7}'],
    [
      'its entries are something else',
      '{"images":[null,{"reference":"web:1","id":"1","usedMs":1,"names":[7]}],"services":{"web":{"releases":[1]},"job":null}}',
    ],
  ])('%s: no image is ours', async (_, text) => {
    if (text !== undefined) writeFileSync(join(folder, 'images.json'), text);
    expect(await imagesInFolder(folder).load()).toEqual({ images: [], services: {} });
  });

  test('how full one is: as df says it; of a path that is not here nobody knows', async () => {
    const ratio = await readDiskUse(folder);
    expect(ratio).toBeGreaterThan(0);
    expect(ratio).toBeLessThanOrEqual(1);
    expect(await readDiskUse('/no/such/folder')).toBeUndefined();
  });
});
