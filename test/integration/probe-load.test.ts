/** What 200 probes cost and when they fire, by a server in another process that writes down when it was asked. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as http from 'node:http';
import { createProber } from '../../agent/probes/prober';
import { createTryProbe } from '../../agent/probes/try-probe';
import { createMemoryEngine } from '../../agent/docker/simulated/memory-engine';
import { MemoryDocker } from '../../agent/docker/simulated/memory-docker';
import { systemClock } from '../../lib/clock';
import { silentLogger } from '../../lib/log';
import type { Release } from '../../lib/documents/types';
import { specHash } from '../../lib/release/spec-hash';
import { containerOf } from '../support/actual';
import { desiredOf, releaseOf } from '../support/desired';
import { sleep } from '../support/wait';

const COUNT = 200;
/** Twenty times as often as by default, so that a short test has much to measure. */
const INTERVAL_MS = 250;
const RUN_MS = 5000;
/** CPU of a probe, in bare requests at the same pace. */
const MAX_COST = 3;

const SERVER = `
  const times = [];
  http.createServer((request, response) => {
    if (request.url === '/times') return response.end(JSON.stringify(times.splice(0)));
    times.push(performance.now());
    response.end('ok');
  }).listen(0, '127.0.0.1', function () { console.log(this.address().port); });`;

let port: number;
let server: ReturnType<typeof spawn>;
beforeAll(async () => {
  server = spawn(process.execPath, ['-e', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(server.stdout!, 'data')) as [Buffer];
  port = Number(line.toString());
});
afterAll(() => void server.kill('SIGKILL'));

const request = (path: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const asked = http.request({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve(body));
    });
    asked.on('error', reject).end();
  });
/** When the server was asked since the last time, milliseconds. */
const takeTimes = async (): Promise<readonly number[]> => JSON.parse(await request('/times')) as number[];

/** @returns milliseconds of CPU for each request that the server saw while `during` ran */
async function cpuOfEach(during: () => Promise<void>): Promise<number> {
  await takeTimes();
  const before = process.cpuUsage();
  await during();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / (await takeTimes()).length;
}

function startProbes(intervalMs = INTERVAL_MS): { close(): void } {
  const http = {
    ...{ port, path: '/', statusMin: 200, statusMax: 399, headers: {}, scheme: 'http', method: 'GET' },
  };
  const probe = { http, intervalMs, timeoutMs: 2000, startPeriodMs: 0, failures: 3, successes: 1 };
  const empty = releaseOf('web');
  const release: Release = { ...empty, deploy: { ...empty.deploy, probe } };
  const clock = systemClock;
  const engine = createMemoryEngine(new MemoryDocker({ clock }), { host: 'h', prefix: '/p' });
  const prober = createProber({
    ...{ tryProbe: createTryProbe({ engine, clock }), clock, random: Math.random, log: silentLogger },
  });
  const ids = Array.from({ length: COUNT }, (_, index) => `web-${index}`);
  const spec = specHash(release.container);
  prober.follow(
    new Map(ids.map((id) => [id, [containerOf({ id, instance: id, spec, address: '127.0.0.1', ranForMs: 60_000 })]])),
    desiredOf(Object.fromEntries(ids.map((id) => [id, release]))),
  );
  return prober;
}

/** The same requests, at the same pace, and nothing else. */
function startBare(): { close(): void } {
  let isOver = false;
  for (let index = 0; index < COUNT; index++)
    void (async () => {
      await sleep(Math.random() * INTERVAL_MS);
      for (; !isOver; await sleep(INTERVAL_MS)) await request('/');
    })();
  return { close: () => (isOver = true) };
}

test('200 probes cost little more than the requests that they make', async () => {
  const costs: number[] = [];
  for (let round = 0; round < 3; round++) {
    const [bare, probed] = [startBare, startProbes].map((start) => async () => {
      const running = start();
      await sleep(RUN_MS / 2);
      running.close();
      await sleep(INTERVAL_MS * 2);
    });
    const [ofProbe, ofRequest] = [await cpuOfEach(probed!), await cpuOfEach(bare!)];
    console.log(`CPU: ${ofProbe.toFixed(2)} ms a probe, ${ofRequest.toFixed(2)} ms a bare request`);
    costs.push(ofProbe / ofRequest);
  }
  expect([...costs].sort((a, b) => a - b)[1]).toBeLessThan(MAX_COST);
}, 120_000);

test('200 probes that begin together spread over the interval', async () => {
  const intervalMs = 1000;
  const prober = startProbes(intervalMs);
  // The first tries come within a second, the second ones anywhere in the interval after them.
  await sleep(2500);
  await takeTimes();
  await sleep(RUN_MS);
  const times = await takeTimes();
  prober.close();
  expect(times.length).toBeGreaterThan(COUNT * 3);
  // Within one interval, tenth by tenth, over the whole run: were they in step, one tenth would have most of them.
  const tenths = Array.from({ length: 10 }, () => 0);
  for (const time of times) tenths[Math.floor(((time % intervalMs) / intervalMs) * 10)]!++;
  expect(Math.max(...tenths)).toBeLessThan(times.length * 0.25);
}, 60_000);
