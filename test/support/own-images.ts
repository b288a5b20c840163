/** The agent's tidying on a real engine of a test's own, with a real registry; hours pass in seconds. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDockerEngine } from '../../agent/docker/dockerode-engine';
import type { Engine } from '../../agent/docker/engine';
import type { Desired } from '../../agent/plan/types';
import { readDiskUse } from '../../agent/tidy/disk-use';
import { imagesInFolder } from '../../agent/tidy/image-notes';
import { Tidy, type Tidying } from '../../agent/tidy/tidy';
import { systemClock, type Clock } from '../../lib/clock';
import { silentLogger } from '../../lib/log';
import { Pauses } from '../../lib/pauses';
import { desiredOf, releaseOf } from './desired';
import { newOwner } from './engine-subjects';
import { startOwnEngine, type OwnEngine } from './own-engine';
import { Registry } from './registry';

const HASTE = 1000;
/** Of the tidying alone: the engine's deadlines are what they are. */
const hastyClock: Clock = {
  monotonicMs: () => systemClock.monotonicMs() * HASTE,
  wallMs: () => systemClock.wallMs(),
  after: (delayMs, wake) => systemClock.after(delayMs / HASTE, wake),
};
/** For the tidying: an hour and a look more, with its jitter. */
export const TIDIED_MS = (75 * 60_000) / HASTE + 1000;

export class OwnImages {
  readonly folder = mkdtempSync(join(tmpdir(), 'berth-test-images-'));
  readonly engine: Engine;
  desired: Desired = desiredOf({});
  private begun: Tidy | undefined;

  private constructor(
    readonly own: OwnEngine,
    readonly registry: Registry,
  ) {
    own.trust(registry.address, registry.ca);
    registry.setPassword('alice', 'secret');
    const auth = Buffer.from('alice:secret').toString('base64');
    writeFileSync(join(this.folder, 'config.json'), JSON.stringify({ auths: { [registry.address]: { auth } } }));
    this.engine = createDockerEngine({
      ...{ docker: own.address, ...newOwner(), clock: systemClock, log: silentLogger },
      registries: { dockerConfig: this.folder, mirrors: new Map(), minFreeSpace: 0 },
    });
  }

  static async start(diskMegabytes?: number): Promise<OwnImages> {
    const [own, registry] = await Promise.all([startOwnEngine({ diskMegabytes }), Registry.start()]);
    return new OwnImages(own, registry);
  }

  /** In full, of "web:1". */
  nameOf(image: string): string {
    return `${this.registry.address}/${image}`;
  }

  /** An agent begins; without a measure of the disk unless it is given. */
  async begin(tidying: Partial<Tidying>): Promise<void> {
    this.begun?.stop();
    this.begun = new Tidy({
      ...{ keepReleases: 1, highWater: 0.85, copy: imagesInFolder(this.folder), readDisk: readDiskUse, ...tidying },
      ...{ engine: this.engine, clock: hastyClock, log: silentLogger, random: () => 0.5 },
      ...{ pauses: new Pauses(hastyClock, silentLogger), onBoundary: () => undefined },
      ...{ desired: () => this.desired, mayAct: () => true, onChange: () => undefined },
    });
    await this.begun.load();
    this.begun.start();
  }

  get tidy(): Tidy {
    return this.begun!;
  }

  /** As the agent does it, or as somebody else. */
  pull(image: string, engine = this.tidy.engine): Promise<void> {
    const options = { platform: '', signal: new AbortController().signal, onProgress: (): void => undefined };
    return engine.pull(this.nameOf(image), options);
  }

  /** As rollouts do, one after another. */
  async roll(...numbers: readonly number[]): Promise<void> {
    for (const number of numbers) {
      await this.pull(`web:${number}`);
      this.desired = desiredOf({ 'web-1': releaseOf('web', { number, image: this.nameOf(`web:${number}`) }) });
      this.tidy.desiredChanged();
    }
  }

  /** "foreign:1 web:1", as the engine lists them. */
  async images(): Promise<string> {
    const lines = await this.own.docker('images', '--format', '{{.Repository}}:{{.Tag}}');
    const names = lines.split('\n').filter((line) => line !== '');
    return names
      .map((name) => name.replace(`${this.registry.address}/`, ''))
      .sort()
      .join(' ');
  }

  async removeAll(): Promise<void> {
    this.begun?.stop();
    const containers = await this.own.docker('ps', '-aq');
    if (containers !== '') await this.own.docker('rm', '-f', ...containers.split('\n'));
    const images = await this.own.docker('images', '-q');
    if (images !== '') await this.own.docker('rmi', '-f', ...new Set(images.split('\n')));
    rmSync(join(this.folder, 'images.json'), { force: true });
    this.desired = desiredOf({});
  }

  async stop(): Promise<void> {
    this.begun?.stop();
    await Promise.all([this.own.stop(), this.registry.stop()]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
