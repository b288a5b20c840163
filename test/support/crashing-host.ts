/** A host whose agent is killed at boundaries, on the real Docker Engine; what it is to run is written to etcd straight. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Boundary } from '../../agent/boundaries';
import { copyInFolder } from '../../agent/desired/disk-copy';
import { decodeDocument, encodeDocument } from '../../lib/documents/codec';
import { keysUnder } from '../../lib/documents/keys';
import type { ContainerSpec, DeploySpec, HostStatus, Release } from '../../lib/documents/types';
import { releaseHash } from '../../lib/release/release-hash';
import { releaseOf } from './desired';
import { containersOf, docker, removeContainers, type SeenContainer } from './docker';
import { startSource, type SourceProcess } from './source-process';
import { freePort } from './ports';
import type { EtcdServer } from './etcd-server';
import { until } from './wait';

const NAME = 'h1';
const CONVERGED_MS = 60_000;

export interface Wish {
  /** A `before` job, which runs on. */
  readonly isJob?: true;
  readonly container?: Partial<ContainerSpec>;
  readonly deploy?: Partial<DeploySpec>;
}

/** A container and its run: another id, start or count of restarts is another one. */
export type Run = string;

export class CrashingHost {
  private readonly suffix = randomBytes(4).toString('hex');
  readonly prefix = `/berth-test-${this.suffix}`;
  private readonly folder = mkdtempSync(join(tmpdir(), 'berth-test-crash-'));
  private readonly keys = keysUnder(this.prefix);
  private readonly wanted = new Map<string, Release>();
  private readonly jobs = new Set<string>();
  private agent: SourceProcess | undefined;
  private revision = 0;
  private releases = 0;

  constructor(
    private readonly etcd: EtcdServer,
    private readonly image: string,
  ) {}

  async start(): Promise<void> {
    const low = 20_000 + Math.floor(Math.random() * 120) * 100;
    const flags = {
      ...{ name: NAME, prefix: this.prefix, etcd: this.etcd.endpoint, stateDir: this.stateDir, leaseTtl: '2s' },
      ...{
        http: `127.0.0.1:${await freePort()}`,
        portRange: `${low}-${low + 99}`,
        // One address is for one agent.
        ...{ dns: '127.0.0.1:0', containerDns: 'off' },
        socket: `${this.stateDir}.sock`,
        minFreeSpace: '0',
        logLevel: 'error',
      },
    };
    this.agent = startSource('test/support/crashing-agent.ts', [this.armed, JSON.stringify(flags)]);
  }

  /** Names of containers are the engine's: those of another host on it are not taken. */
  instanceOf(name: string): string {
    return `${name}-${this.suffix}`;
  }

  /** The agent ends itself when it passes this the next time. */
  arm(boundary: Boundary): void {
    writeFileSync(this.armed, boundary);
  }

  /** Settles when the agent has killed itself. @throws Error when it does not come to that */
  async killed(boundary: Boundary): Promise<void> {
    const timeout = new Promise<never>((_, reject) => {
      const timer = setTimeout(() => reject(new Error(`${boundary} was not passed`)), CONVERGED_MS);
      timer.unref();
    });
    const end = await Promise.race([this.agent!.exit(), timeout]);
    if (end !== 'SIGKILL') throw new Error(`the agent ended with ${end} and not at ${boundary}`);
  }

  /** Wanted from now on, as a new release when it is wanted already; undefined for not wanted any more. */
  async want(instance: string, wish: Wish | undefined): Promise<void> {
    await this.wantAll({ [instance]: wish });
  }

  async wantAll(wishes: Readonly<Record<string, Wish | undefined>>): Promise<void> {
    for (const [instance, wish] of Object.entries(wishes)) {
      if (wish === undefined) this.wanted.delete(instance);
      else await this.writeRelease(instance, wish);
      if (wish?.isJob === true) this.jobs.add(instance);
    }
    const instances = [...this.wanted].map(([id, release]) => {
      return [
        id,
        {
          ...{ service: release.service, release: release.number, hash: releaseHash(release), config: {} },
          ...{ slot: this.jobs.has(id) ? 0 : 1, before: this.jobs.has(id) },
        },
      ] as const;
    });
    const rest = { prefetch: [], held: [], pauses: [], resolve: {} };
    const assignment = { revision: ++this.revision, instances: Object.fromEntries(instances), ...rest };
    await this.etcd.put(this.keys.assignment(NAME), encodeDocument('Assignment', assignment));
  }

  /** Settles when what runs is what is wanted, and the agent says so. */
  async converged(withinMs = CONVERGED_MS): Promise<readonly SeenContainer[]> {
    let last = '';
    try {
      return await until(
        'the host to converge',
        async () => {
          const [seen, status] = [await containersOf(this.prefix), await this.status()];
          last = JSON.stringify({ seen, status });
          const isWhole = seen.length === this.wanted.size && seen.every(({ state }) => state === 'running');
          const said = Object.entries(status?.instances ?? {});
          const isSaid =
            status?.assignmentRevision === this.revision &&
            said.length === this.wanted.size &&
            said.every(([id, { phase, reason }]) => this.wanted.has(id) && phase === 'RUNNING' && reason === '');
          return isWhole && isSaid ? seen : undefined;
        },
        withinMs,
      );
    } catch (error) {
      throw new Error(`${(error as Error).message}: ${last}`, { cause: error });
    }
  }

  /** Settles when what is wanted has its endpoint, and nothing else has. */
  async published(): Promise<void> {
    const wanted = [...this.wanted.keys()].filter((instance) => !this.jobs.has(instance));
    const expected = wanted.map((instance) => this.keys.endpoint(instance, instance)).sort();
    let last = '';
    await until(`endpoints ${expected.join(' ')}`, async () => {
      last = await this.etcd.ctl(['get', '--prefix', '--keys-only', this.keys.endpoints]);
      return last.split('\n').filter(Boolean).sort().join() === expected.join() ? true : undefined;
    }).catch((error: Error) => {
      throw new Error(`${error.message}; there are ${last}`, { cause: error });
    });
  }

  /** Of the instances that are there, by instance; more than one for an instance are joined. */
  async runs(): Promise<ReadonlyMap<string, Run>> {
    const runs = new Map<string, Run>();
    for (const { id, instance } of await containersOf(this.prefix)) {
      // One may go between the two calls.
      const run = await docker('inspect', '--format', '{{.Id}} {{.State.StartedAt}} {{.State.Status}}', id).catch(
        () => undefined,
      );
      if (run === undefined) continue;
      runs.set(instance, [runs.get(instance), run].filter(Boolean).join(' and '));
    }
    return runs;
  }

  async idOf(instance: string): Promise<string> {
    return (await containersOf(this.prefix)).find((one) => one.instance === instance)!.id;
  }

  /** @throws Error when a copy on disk is damaged */
  async checkCopies(): Promise<void> {
    await copyInFolder(this.stateDir, { host: NAME, prefix: this.prefix }).load();
    for (const file of ['instances.json', 'images.json']) JSON.parse(readOr(join(this.stateDir, file), '{}'));
  }

  async stop(): Promise<void> {
    await this.agent?.stop();
    await removeContainers(this.prefix);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get stateDir(): string {
    return join(this.folder, 'state');
  }

  private get armed(): string {
    return join(this.folder, 'armed');
  }

  private async status(): Promise<HostStatus | undefined> {
    const text = await this.etcd.get(this.keys.status(NAME));
    return text === undefined ? undefined : decodeDocument('HostStatus', text);
  }

  private async writeRelease(instance: string, { container = {}, deploy = {} }: Wish): Promise<void> {
    const service = instance;
    const base = releaseOf(service, { number: ++this.releases, image: this.image });
    const idle = { command: ['sh', '-c', 'rm -f /tmp/sick; exec sleep 86400'], stopSignal: 'SIGKILL' };
    const release: Release = {
      ...base,
      container: { ...base.container, ...idle, ...container },
      deploy: { ...base.deploy, before: { command: idle.command, timeoutMs: 60_000 }, ...deploy },
    };
    await this.etcd.put(this.keys.release(service, release.number), encodeDocument('Release', release));
    this.wanted.set(instance, release);
  }
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}
