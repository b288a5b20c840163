/** A simulated engine whose images the agent tidies up, hours in an instant. */
import { MemoryDocker } from '../../agent/docker/simulated/memory-docker';
import { createMemoryEngine } from '../../agent/docker/simulated/memory-engine';
import type { Engine } from '../../agent/docker/engine';
import { createAgentMetrics } from '../../agent/metrics';
import type { Desired } from '../../agent/plan/types';
import { Tidy, type Tidying } from '../../agent/tidy/tidy';
import { silentLogger } from '../../lib/log';
import { Pauses } from '../../lib/pauses';
import { desiredOf, releaseOf } from './desired';
import { createFakeClock } from './fake-clock';
import { recordLog, type LogLine } from './recorded-log';
import { tidyingInMemory } from './tidying';

export const HOUR_MS = 60 * 60_000;
export const MINUTE_MS = 60_000;
export const PULL = { platform: '', signal: new AbortController().signal, onProgress: () => undefined };

/** That the only instance of web is of this release, whose image is web:<number>. */
export function webRelease(number: number): Desired {
  return desiredOf({ 'web-1': releaseOf('web', { number, image: `web:${number}` }) });
}

export class TidyHost {
  readonly clock = createFakeClock();
  readonly docker = new MemoryDocker({ clock: this.clock });
  readonly metrics = createAgentMetrics();
  desired: Desired = desiredOf({});
  mayAct = true;
  /** How often the problem changed. */
  changes = 0;
  lines: readonly LogLine[] = [];
  private begun: Tidy | undefined;

  constructor() {
    for (let number = 1; number <= 9; number++) this.docker.registry.add(`web:${number}`);
  }

  /** An agent of the host begins; the one before has to be stopped. */
  async begin(tidying: Partial<Tidying> = {}, wrap = (engine: Engine): Engine => engine): Promise<void> {
    const { clock, docker, metrics } = this;
    const { log, lines } = recordLog(clock);
    this.lines = lines;
    this.begun = new Tidy({
      ...{ ...tidyingInMemory(tidying), clock, log, random: () => 0.5, metrics: metrics.images },
      ...{ pauses: new Pauses(clock, silentLogger), onBoundary: () => undefined },
      engine: wrap(createMemoryEngine(docker, { host: 'h1', prefix: '/test' })),
      desired: () => this.desired,
      mayAct: () => this.mayAct,
      onChange: () => void this.changes++,
    });
    await this.begun.load();
    this.begun.start();
  }

  pull(image: string): Promise<void> {
    return this.tidy.engine.pull(image, PULL);
  }

  /** As if it was stopped; there may be none. */
  end(): void {
    this.begun?.stop();
  }

  /** As rollouts do, one after another: the image is pulled, and the release is the wanted one. */
  async roll(...numbers: readonly number[]): Promise<void> {
    for (const number of numbers) {
      await this.pull(`web:${number}`);
      this.want(webRelease(number));
      await this.clock.advance(10);
    }
  }

  want(desired: Desired): void {
    this.desired = desired;
    this.tidy.desiredChanged();
  }

  get tidy(): Tidy {
    return this.begun!;
  }

  get images(): string {
    return [...this.docker.images].sort().join(' ');
  }

  /** That were begun, in order. */
  get removals(): readonly LogLine[] {
    return this.lines.filter(({ message }) => message.startsWith('removing'));
  }

  async metric(name: string): Promise<number> {
    const text = await this.metrics.metrics.render();
    const line = text.split('\n').find((one) => one.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1) ?? 0);
  }

  removed(why: string): Promise<number> {
    return this.metric(`berth_agent_images_removed_total{why="${why}"}`);
  }
}
