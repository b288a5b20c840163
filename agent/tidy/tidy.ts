/**
 * Removes images that Berth pulled and that nothing needs any more: those of older releases once an hour, and all that
 * is not wanted now when the disk gets full.
 *
 * INVARIANTS
 * - Nothing is removed unless the desired state is complete and every release of it known (G3), the host is not paused,
 *   its name is ours, and no pull runs. All of that is looked at again before each removal.
 * - One removal at a time, never by force.
 */
import type { Clock } from '../../lib/clock';
import type { Problem } from '../../lib/documents/types';
import type { Logger } from '../../lib/log';
import type { Pauses } from '../../lib/pauses';
import type { OnBoundary } from '../boundaries';
import { EngineError, type Engine } from '../docker/engine';
import type { Desired, DesiredInstance } from '../plan/types';
import type { ImageCopy } from './image-notes';
import { PulledImages } from './pulled-images';
import { isStillOurs, selectImages, type Removal } from './select-images';

/** How full the disk is, is looked at so often, about: hosts do not tick together. */
const LOOK_MS = 60_000;
/** While pulls run and the disk is full. */
const BUSY_MS = 5000;
/** A pull that was refused is out of the way by then. */
const NO_SPACE_MS = 500;
/** Images of older releases are looked for so often. */
const TIDY_MS = 60 * 60_000;
/** A disk that is too full is freed until so much below the mark, so that it is not at once there again. */
const BELOW_HIGH_WATER = 0.05;

export type TidyWhy = 'keep-releases' | 'high-water' | 'no-space';

/** What the host gives to it. */
export interface Tidying {
  /** The images of so many of the last releases of each service stay, while the disk is not too full. */
  readonly keepReleases: number;
  /** How full the disk may be, 0 to 1. */
  readonly highWater: number;
  readonly copy: ImageCopy;
  /** How full the disk of Docker's data root is, 0 to 1; undefined when this is not the engine's machine. */
  readonly readDisk: (dataRoot: string) => Promise<number | undefined>;
}

export interface TidyMetrics {
  onRemoved(why: TidyWhy, freedBytes: number): void;
  onDisk(usedRatio: number): void;
}

export interface TidyOptions extends Tidying {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly desired: () => Desired;
  readonly pauses: Pauses;
  readonly onBoundary: OnBoundary;
  /** False while the host's name is known to be another agent's. */
  readonly mayAct: () => boolean;
  /** `problem` may be another one than before. */
  readonly onChange: () => void;
  readonly metrics?: TidyMetrics | undefined;
}

export class Tidy {
  /** The disk is too full, and there is nothing left that may be removed. */
  problem: Problem | undefined;
  /** The engine, with pulls after which Berth knows its own images. */
  readonly engine: Engine;
  readonly pulled: PulledImages;
  private readonly refused = new Set<string>();
  private dataRoot: string | undefined;
  private lastTidyMs: number;
  private isNoSpace = false;
  private isLooking = false;
  private isStopped = false;
  private cancelTimer: () => void = () => undefined;

  constructor(private readonly options: TidyOptions) {
    this.pulled = new PulledImages({ ...options, onNoSpace: () => this.noSpace() });
    this.engine = this.pulled.over(options.engine);
    this.lastTidyMs = options.clock.monotonicMs();
  }

  /** Settles when it is known which images are Berth's; nothing is pulled before. */
  load(): Promise<void> {
    return this.pulled.load();
  }

  start(): void {
    this.sleep(LOOK_MS * (0.75 + this.options.random() / 2));
  }

  stop(): void {
    this.isStopped = true;
    this.cancelTimer();
  }

  desiredChanged(): void {
    void this.pulled.observe(this.options.desired());
  }

  /** A pull was refused, since the disk is full. */
  private noSpace(): void {
    this.isNoSpace = true;
    if (!this.isLooking) this.sleep(NO_SPACE_MS);
  }

  private sleep(ms: number): void {
    this.cancelTimer();
    if (!this.isStopped) this.cancelTimer = this.options.clock.after(ms, () => void this.look());
  }

  private async look(): Promise<void> {
    this.isLooking = true;
    let isBusy = false;
    try {
      isBusy = (await this.tidy()) === 'busy';
    } catch (error) {
      // The loop says that Docker does not answer.
      if (!(error instanceof EngineError)) throw error;
    }
    this.isLooking = false;
    this.sleep((isBusy ? BUSY_MS : LOOK_MS) * (0.75 + this.options.random() / 2));
  }

  /** @returns 'busy' when it is urgent, and pulls are in the way */
  private async tidy(): Promise<'busy' | undefined> {
    const { clock, highWater } = this.options;
    const { pulled } = this;
    const desired = this.options.desired();
    await pulled.observe(desired);
    const usedRatio = await this.diskUse();
    const isFull = usedRatio !== undefined && usedRatio >= highWater;
    if (!isFull) this.setProblem(undefined);
    const why = this.isNoSpace ? 'no-space' : isFull ? 'high-water' : 'keep-releases';
    if (why === 'keep-releases' && clock.monotonicMs() - this.lastTidyMs < TIDY_MS) return undefined;
    if (!this.mayRemove(desired)) return pulled.pulls > 0 && why !== 'keep-releases' ? 'busy' : undefined;
    const isDone = await this.removeSome(await this.select(desired, why), desired, why);
    if (!isDone) return undefined;
    this.lastTidyMs = clock.monotonicMs();
    this.isNoSpace = false;
    if (isFull) this.setProblem((await this.isFull()) ? diskFull(this.dataRoot!, highWater) : undefined);
    return undefined;
  }

  /** @returns false when something changed on the way: then it is all to be looked at anew */
  private async removeSome(removals: readonly Removal[], desired: Desired, why: TidyWhy): Promise<boolean> {
    const low = this.options.highWater - BELOW_HIGH_WATER;
    for (const removal of removals) {
      if (this.options.desired() !== desired || !this.mayRemove(desired)) return false;
      if (why === 'high-water' && ((await this.diskUse()) ?? 0) < low) return true;
      await this.remove(removal, why);
    }
    return true;
  }

  private async remove({ note, name, freedBytes }: Removal, why: TidyWhy): Promise<void> {
    const { engine, log, metrics, keepReleases, highWater } = this.options;
    const reason = reasonOf(why, keepReleases, highWater);
    try {
      log.info(`removing image ${note.reference}`, { image: note.id, bytes: freedBytes, reason });
      await engine.removeImage(name);
    } catch (error) {
      if (!(error instanceof EngineError) || error.engineDown) throw error;
      if (!this.refused.has(note.id))
        log.info(`image ${note.reference} stays`, { image: note.id, reason: error.message });
      this.refused.add(note.id);
      return;
    }
    metrics?.onRemoved(why, freedBytes);
    await this.pulled.forget((one) => one.reference === note.reference && one.id === note.id);
  }

  private async select(desired: Desired, why: TidyWhy): Promise<readonly Removal[]> {
    const { engine, keepReleases } = this.options;
    const { pulled } = this;
    const wanted = wantedImages(desired);
    const { releases } = pulled;
    const used = [...releases.values()].flat().map(({ image }) => image);
    const named = [...wanted, ...used, ...pulled.images.map(({ reference }) => reference)];
    const images = await engine.images();
    const ids = await engine.imageIds([...new Set(named)]);
    await pulled.forget((note) => !isStillOurs(note, { images, ids }));
    const keep = why === 'keep-releases' ? keepReleases : 0;
    return selectImages({ notes: pulled.images, releases, wanted, images, ids, keepReleases: keep });
  }

  private mayRemove(desired: Desired): boolean {
    const { mayAct, pauses } = this.options;
    const isKnown = desired.isComplete && wishesOf(desired).every(({ spec }) => spec !== undefined);
    // Of what is known now, as the loop does: a pause that an older list lacks would be taken for one that has ended.
    const isPaused = pauses.inForce(this.options.desired().pauses).some(({ kind }) => kind === 'host');
    return !this.isStopped && isKnown && !isPaused && mayAct() && this.pulled.pulls === 0;
  }

  private async diskUse(): Promise<number | undefined> {
    this.dataRoot ??= (await this.options.engine.facts()).dataRoot;
    const usedRatio = await this.options.readDisk(this.dataRoot);
    if (usedRatio !== undefined) this.options.metrics?.onDisk(usedRatio);
    return usedRatio;
  }

  private async isFull(): Promise<boolean> {
    return ((await this.diskUse()) ?? 0) >= this.options.highWater;
  }

  private setProblem(problem: Problem | undefined): void {
    if (problem?.message === this.problem?.message) return;
    if (problem !== undefined) this.options.log.warn(problem.message, { reason: problem.rule });
    this.problem = problem;
    this.options.onChange();
  }
}

function wantedImages(desired: Desired): readonly string[] {
  return wishesOf(desired).flatMap(({ spec }) => (spec === undefined ? [] : [spec.container.image]));
}

/** What is to run here, and what may be soon. */
function wishesOf({ instances, prefetch }: Desired): readonly Pick<DesiredInstance, 'spec'>[] {
  return [...instances.values(), ...prefetch.values()];
}

function reasonOf(why: TidyWhy, keepReleases: number, highWater: number): string {
  switch (why) {
    case 'keep-releases':
      return `none of the last ${keepReleases} releases of a service of this host uses it`;
    case 'high-water':
      return `the disk is fuller than ${percent(highWater)}, and nothing that is to run here uses it`;
    case 'no-space':
      return 'a pull was refused for lack of space, and nothing that is to run here uses it';
    default:
      return why satisfies never;
  }
}

/** Without the reading, which would write the status anew with every change of it. */
function diskFull(dataRoot: string, highWater: number): Problem {
  const message =
    `the disk of ${dataRoot} is fuller than ${percent(highWater)} (image-high-water), ` +
    `and no image that Berth pulled may be removed: free some, or make it larger`;
  return { rule: 'image-disk', path: '', line: 0, column: 0, message, key: '' };
}

function percent(ratio: number): string {
  return `${Math.round(ratio * 100)} %`;
}
