/** A cluster of three hosts with engines and addresses of their own, and what each verb of the lab does to it. */
import { readdirSync, readFileSync } from 'node:fs';
import { startAskingClient, type AskingClient } from '../support/asking-client';
import { until } from '../support/wait';
import { Lab } from './lab';
import { containersOn, hostBecomes, urlsOf, type SeenContainer } from './seen';

/** For hangs, on a machine with far more to do than cores. */
const PATIENCE_MS = 60_000;
const TEST_MS = 120_000;
/** Long for an answer on one machine, short for a test. */
const SILENCE_MS = 2000;
const DELAY_MS = 200;
const CLIENT_PAUSE_MS = 20;
const HOSTS = ['h1', 'h2', 'h3'];

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.up({ hosts: 3, etcd: 3, coordinators: 2, leaseTtl: '2s' });
  await apply(3);
}, TEST_MS);
afterAll(() => lab?.down(), TEST_MS);

async function apply(replicas: number, coordinator = lab.made.coordinators[0]!): Promise<void> {
  const input = `services: { web: { image: berth-hello:1, environment: { GREETING: hello }, stop_signal: SIGKILL,
    ports: [{ name: http, target: 8080 }], deploy: { replicas: ${replicas} },
    x-berth: { on_disconnect: { replace_after: 1h } } } }\n`;
  const words = ['apply', '-f', '-', '-p', 'lab', '--wait', '--timeout', '60'];
  const { code, stdout, stderr } = await lab.berth(words, { coordinator, input });
  if (code !== 0) throw new Error(`apply ended with ${code}: ${stdout}${stderr}`);
}

async function say(url: string, timeoutMs = PATIENCE_MS): Promise<string> {
  return (await fetch(`${url}/cgi-bin/index.cgi`, { signal: AbortSignal.timeout(timeoutMs) })).text();
}

const urlOn = async (host: string): Promise<string> =>
  (await urlsOf(lab, 'web')).find((each) => each.host === host)!.url;

/** A client of all three instances. */
async function client(): Promise<AskingClient> {
  const urls = (await urlsOf(lab, 'web')).slice(0, 3);
  let turn = 0;
  const next = (): string => `${urls[turn++ % urls.length]!.url}/cgi-bin/index.cgi`;
  return startAskingClient(next, { askers: urls.length, pauseMs: CLIENT_PAUSE_MS });
}

/** Ids of this machine's processes in the cgroups of a container. */
function processesIn(id: string): readonly string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cgroup`, 'utf8').includes(id);
    } catch {
      return false;
    }
  });
}

const allContainers = (): Promise<unknown> => Promise.all(HOSTS.map((host) => containersOn(lab, host)));

/** Settles when every instance runs and answers, on every host. */
async function allAnswer(): Promise<void> {
  const answer = async (): Promise<boolean> => {
    const urls = await urlsOf(lab, 'web');
    return urls.length === 3 && (await Promise.all(urls.map(({ url }) => say(url)))).every((it) => /^hello!/.test(it));
  };
  await until('three instances that answer', answer, PATIENCE_MS);
}

test(
  'three replicas are on three hosts, and each answers on the address of its host',
  async () => {
    const urls = await urlsOf(lab, 'web');
    expect(urls.map(({ host }) => host)).toEqual(HOSTS);
    for (const { host, url } of urls) {
      expect(url).toContain(`http://${lab.address(host)}:`);
      const [container, ...more] = await containersOn(lab, host);
      expect(more).toEqual([]);
      expect(await say(url)).toBe(`hello! I am container ${container!.id.slice(0, 12)}.\n`);
    }
  },
  TEST_MS,
);

test(
  'cut-off: the host is lost, its containers run on, and restored it is live with the same ones',
  async () => {
    const before = await allContainers();
    const url = await urlOn('h2');
    await lab.cutOff('h2');
    expect(await lab.machine('h2')).toMatchObject({ power: 'on', network: 'cut off' });
    await hostBecomes(lab, 'h2', 'lost');
    await expect(say(url, SILENCE_MS)).rejects.toThrow();
    expect(await say(await urlOn('h1'))).toMatch(/^hello!/);
    expect(await allContainers()).toEqual(before);
    await lab.restore('h2');
    await hostBecomes(lab, 'h2', 'live');
    expect(await say(url)).toMatch(/^hello!/);
    expect(await allContainers()).toEqual(before);
  },
  TEST_MS,
);

test(
  'slow: a delay both ways, a rate, a loss of everything; restored it is fast again',
  async () => {
    const url = await urlOn('h3');
    const timed = async (): Promise<number> => {
      const startMs = performance.now();
      await say(url);
      return performance.now() - startMs;
    };
    await lab.slow('h3', { delayMs: DELAY_MS });
    expect(await lab.machine('h3')).toMatchObject({ network: `${DELAY_MS} ms delay` });
    const slowMs = await timed();
    expect(slowMs).toBeGreaterThan(4 * DELAY_MS); // to connect, and to ask
    await lab.slow('h3', { rateKbit: 8 });
    // 500 bytes at least go each way, at 1000 a second.
    expect(await timed()).toBeGreaterThan(500);
    await lab.slow('h3', { lossPercent: 100 });
    await expect(say(url, SILENCE_MS)).rejects.toThrow();
    await lab.restore('h3');
    expect(await lab.machine('h3')).toMatchObject({ network: 'whole' });
    expect(await timed()).toBeLessThan(slowMs);
    await hostBecomes(lab, 'h3', 'live');
  },
  TEST_MS,
);

test(
  'G2: an agent that is killed, paused or stopped touches no container, nor does its next life',
  async () => {
    const before = await allContainers();
    const asking = await client();
    await lab.pause('agent', 'h1');
    expect((await lab.machine('h1')).parts).toContainEqual(expect.objectContaining({ kind: 'agent', state: 'paused' }));
    await hostBecomes(lab, 'h1', 'lost');
    await lab.resume('agent', 'h1');
    await hostBecomes(lab, 'h1', 'live');
    for (const end of ['kill', 'stop'] as const) {
      await lab[end]('agent', 'h1');
      expect((await lab.machine('h1')).parts).toContainEqual(
        expect.objectContaining({ kind: 'agent', state: 'ended', exit: end === 'kill' ? 'SIGKILL' : 0 }),
      );
      await hostBecomes(lab, 'h1', 'lost');
      expect(await allContainers()).toEqual(before);
      await lab.start('agent', 'h1');
      await hostBecomes(lab, 'h1', 'live');
    }
    expect(await allContainers()).toEqual(before);
    await asking.stop();
    expect(asking.failures).toEqual([]);
    expect(asking.count()).toBeGreaterThan(100);
  },
  TEST_MS,
);

test(
  'an engine that is killed: with live-restore its containers run on, without they come back',
  async () => {
    const url = await urlOn('h1');
    const before = await containersOn(lab, 'h1');
    await lab.kill('engine', 'h1');
    await expect(lab.docker('h1', 'ps')).rejects.toThrow(/Cannot connect/);
    await lab.start('engine', 'h1', { liveRestore: true });
    await hostBecomes(lab, 'h1', 'live');
    expect(await containersOn(lab, 'h1')).toEqual(before);
    expect(await say(url)).toMatch(/^hello!/);
    await lab.stop('engine', 'h1');
    await lab.start('engine', 'h1', { liveRestore: true });
    expect(await containersOn(lab, 'h1')).toEqual(before);

    await lab.kill('engine', 'h1');
    await lab.start('engine', 'h1');
    await allAnswer();
    const [after, ...more] = await containersOn(lab, 'h1');
    expect(more).toEqual([]);
    expect(after!.startedAt > before[0]!.startedAt).toBe(true);
  },
  TEST_MS,
);

test(
  'a host without power: all of its processes end, and with power it does what it did',
  async () => {
    const [h1, , h3] = HOSTS;
    const others = await containersOn(lab, h1!);
    const url = await urlOn(h3!);
    const [{ id }] = (await containersOn(lab, h3!)) as [SeenContainer];
    expect(processesIn(id)).not.toEqual([]);
    const before = await lab.machine(h3!);
    const asking = await client();
    await lab.kill('host', h3!);
    expect(await lab.machine(h3!)).toMatchObject({ power: 'off', parts: [{ state: 'ended' }, { state: 'ended' }] });
    for (const part of before.parts) expect(() => process.kill(part.pid!, 0)).toThrow(/ESRCH/);
    expect(processesIn(id)).toEqual([]);
    await hostBecomes(lab, h3!, 'lost');
    await expect(say(url, SILENCE_MS)).rejects.toThrow();
    await expect(lab.cutOff(h3!)).rejects.toThrow('h3 is off');
    await asking.stop();
    expect(asking.failures.map((failure) => failure.url)).toContain(`${url}/cgi-bin/index.cgi`);
    await lab.start('host', h3!);
    await hostBecomes(lab, h3!, 'live');
    await allAnswer();
    expect(await containersOn(lab, h1!)).toEqual(others);
  },
  TEST_MS,
);

test(
  'one etcd member of three killed, or one coordinator of two: apply still works',
  async () => {
    const asking = await client();
    for (const member of ['e1', 'e2', 'e3']) {
      await lab.kill('etcd', member);
      // While the others elect a leader, it says to ask again.
      await until('apply', () => apply(member === 'e2' ? 3 : 4).then(() => true), PATIENCE_MS);
      await lab.start('etcd', member);
    }
    for (const [index, coordinator] of ['c1', 'c2'].entries()) {
      await lab.kill('coordinator', coordinator);
      await apply(3 + index, lab.made.coordinators[1 - index]);
      await lab.start('coordinator', coordinator);
    }
    await asking.stop();
    expect(asking.failures).toEqual([]);
    await apply(3);
    await allAnswer();
  },
  TEST_MS,
);

test('what can not be done is refused, with the reason', async () => {
  await expect(lab.kill('host', 'h9')).rejects.toThrow('there is no h9 in this lab; there are e1,');
  await expect(lab.kill('host', 'e1')).rejects.toThrow('e1 is no host');
  await expect(lab.kill('etcd', 'h1')).rejects.toThrow('h1 has no etcd');
  await expect(lab.start('agent', 'h1')).rejects.toThrow('the agent of h1 runs already');
  await expect(Lab.up({ hosts: 0 })).rejects.toThrow('the number of hosts is 1 to 50');
  await expect(Lab.up({ etcd: 2 })).rejects.toThrow('one of 1, 3, 5');
});
