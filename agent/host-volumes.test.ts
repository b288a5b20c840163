import { createFakeClock, type FakeClock } from '../test/support/fake-clock';
import { over } from '../test/support/loop-host';
import { recordLog } from '../test/support/recorded-log';
import { EngineError } from './docker/engine';
import { MemoryDocker } from './docker/simulated/memory-docker';
import { createMemoryEngine } from './docker/simulated/memory-engine';
import { HostVolumes } from './host-volumes';

const ANONYMOUS = 'f'.repeat(64);

let clock: FakeClock;
let docker: MemoryDocker;
let calls: number;
let told: (readonly string[])[];
let volumes: HostVolumes;

beforeEach(() => {
  clock = createFakeClock();
  docker = new MemoryDocker({ clock });
  docker.addVolume('db');
  calls = 0;
  told = [];
  const engine = createMemoryEngine(docker, { host: 'h1', prefix: '/test' });
  volumes = new HostVolumes({
    ...{ clock, log: recordLog(clock).log, random: () => 0.5 },
    engine: over(engine, {
      volumes: () => {
        calls++;
        return engine.volumes();
      },
    }),
    onChange: () => told.push(volumes.names),
  });
});
afterEach(() => volumes.stop());

test('are known at once, sorted, without those that have no name', async () => {
  docker.addVolume('cache');
  docker.addVolume(ANONYMOUS);
  volumes.start();
  expect(volumes.isRead).toBe(false);
  await clock.advance(10);
  expect(volumes.isRead).toBe(true);
  expect(told).toEqual([['cache', 'db']]);
});

test('one that comes or goes is told within a second', async () => {
  volumes.start();
  await clock.advance(5000);
  docker.addVolume('new');
  await clock.advance(1100);
  docker.removeVolume('db');
  await clock.advance(1100);
  expect(told).toEqual([['db'], ['db', 'new'], ['new']]);
});

test('hundreds that come at once are a few questions, and an anonymous one is no news', async () => {
  volumes.start();
  await clock.advance(5000);
  const before = calls;
  for (let index = 0; index < 300; index++) {
    docker.addVolume(`v${index}`);
    await clock.advance(10);
  }
  await clock.advance(2000);
  expect(calls - before).toBeLessThan(8);
  expect(volumes.names).toHaveLength(301);
  const news = told.length;
  docker.addVolume(ANONYMOUS);
  await clock.advance(2000);
  expect(told).toHaveLength(news);
});

test('without events they are found within two minutes', async () => {
  volumes.start();
  await clock.advance(5000);
  docker.losesEvents = true;
  docker.addVolume('quiet');
  await clock.advance(120_000);
  expect(volumes.names).toEqual(['db', 'quiet']);
});

test('while Docker is away nothing is taken for gone, before the first answer and after it', async () => {
  docker.setDown(true);
  volumes.start();
  await clock.advance(60_000);
  expect([volumes.isRead, told]).toEqual([false, []]);
  docker.setDown(false);
  await clock.advance(2000);
  docker.setDown(true);
  await clock.advance(120_000);
  expect(told).toEqual([['db']]);
});

test('a driver on which Docker hangs keeps the agent from saying all else for no longer than one call', async () => {
  docker.fail('volumes', new EngineError('timeout', 'a plugin hangs'), 1);
  volumes.start();
  await clock.advance(10);
  expect([volumes.isRead, told]).toEqual([true, [[]]]);
  await clock.advance(30_000);
  expect(told).toEqual([[], ['db']]);
});

test('G10: a thousand are told', async () => {
  for (let index = 0; index < 1500; index++) docker.volumes.add(`v${10_000 + index}`);
  volumes.start();
  await clock.advance(10);
  expect(volumes.names).toHaveLength(1000);
});

test('nothing is asked or told after the end', async () => {
  volumes.start();
  await clock.advance(5000);
  volumes.stop();
  const before = calls;
  docker.addVolume('late');
  await clock.advance(600_000);
  expect([calls, told.length]).toEqual([before, 1]);
});
