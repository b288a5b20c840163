/** A real proxy, the part of the agent that renders for it, instances that come and go, and clients that ask. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTemplates, type Templates } from '../../agent/templates/templates';
import { systemClock } from '../../lib/clock';
import { loadAgentConfig } from '../../lib/config/daemons';
import type { TemplateSetting } from '../../lib/config/templates';
import { startAskingClient, type AskingClient, type AskingOptions } from './asking-client';
import { createFakeDiscovery, type FakeDiscovery } from './fake-discovery';
import { recordLog } from './recorded-log';
import { StandingInstances } from './standing-instances';
import { PATIENCE } from './wait';

/** The interval, a check and a reload fit in twice, on a machine with far more to do than cores. */
const DRAIN_MS = 3000 * PATIENCE;
export const EXAMPLES = 'examples/discovery';

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
/** What instances listen on in turn. */
export const LOOPBACKS: readonly string[] = hasIpv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1'];

export class ProxyScene {
  readonly discovery: FakeDiscovery = createFakeDiscovery();
  readonly instances = new StandingInstances(this.discovery, 'web', DRAIN_MS, LOOPBACKS);
  private readonly clients: AskingClient[] = [];
  private proxy: ChildProcess | undefined;
  private templates: Templates | undefined;

  private constructor(readonly folder: string) {}

  static async create(): Promise<ProxyScene> {
    const folder = await mkdtemp(join(tmpdir(), 'berth-proxies-'));
    await mkdir(join(folder, 'logs'));
    return new ProxyScene(folder);
  }

  /** An example, with the places and ports of this test in it. @returns its path */
  async example(name: string, replaced: readonly (readonly [string, string])[] = []): Promise<string> {
    let text = await readFile(join(EXAMPLES, name), 'utf8');
    for (const [from, to] of replaced) {
      expect(text).toContain(from);
      text = text.replaceAll(from, to);
    }
    const path = join(this.folder, name);
    await writeFile(path, text);
    return path;
  }

  /** The one of the example's agent.yaml that makes a file of this name, with the places of this test. */
  async settingOf(dest: string, src: string, reload: string): Promise<TemplateSetting> {
    const file = { name: 'agent.yaml', text: await readFile(join(EXAMPLES, 'agent.yaml'), 'utf8') };
    const found = loadAgentConfig({ flags: {}, env: {}, file }).templates.find((one) => one.dest.endsWith(dest))!;
    return { ...found, src, dest: join(this.folder, `rendered-${dest}`), reload };
  }

  async render(...settings: readonly TemplateSetting[]): Promise<Templates> {
    const { log } = recordLog(systemClock);
    return (this.templates = await startTemplates({
      ...{ templates: settings, stateDir: this.folder, discovery: this.discovery, clock: systemClock },
      ...{ random: Math.random, log, onProblems: () => undefined },
      host: { name: 'h1', address: '127.0.0.1', labels: {} },
    }));
  }

  start(command: string, args: readonly string[]): void {
    this.proxy = spawn(command, args, { stdio: 'ignore' });
  }

  ask(url: string, options?: AskingOptions): AskingClient {
    const client = startAskingClient(url, options);
    this.clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.stop()));
    await this.templates?.close();
    this.instances.close();
    await this.stop();
    await rm(this.folder, { recursive: true });
  }

  /** The proxy. */
  async stop(): Promise<void> {
    const { proxy } = this;
    if (proxy?.pid !== undefined && proxy.exitCode === null) {
      const ended = new Promise((resolve) => proxy.once('exit', resolve));
      process.kill(proxy.pid, 'SIGTERM');
      await ended;
    }
  }
}
