/**
 * Knows which images Berth brought onto this host, and which releases of its services the host ran last.
 *
 * INVARIANT: an image that was on the engine before, by whatever name, is never taken for ours; nor is one whose note
 * did not come to disk before the agent died.
 */
import type { Clock } from '../../lib/clock';
import type { Logger } from '../../lib/log';
import { MAX_KEEP_RELEASES } from '../../lib/config/daemons';
import type { OnBoundary } from '../boundaries';
import { EngineError, type Engine } from '../docker/engine';
import type { Desired } from '../plan/types';
import type { ImageCopy, ImageNote, ImageNotes, UsedRelease, UsedService } from './image-notes';

/** A service that is gone from the host for so long does not come back soon: its releases count no more. */
const GONE_MS = 24 * 60 * 60_000;

/** Whoever pulls goes through this, for every name that the image gets, so that Berth knows its own images. */
export interface Pulls {
  /**
   * Takes what comes onto the engine under this reference for Berth's, if neither the image nor the name was there before.
   * @param pull settles when it is there; what it throws is thrown
   */
  onPulled(reference: string, pull: () => Promise<void>): Promise<void>;
}

export interface PulledImagesOptions {
  readonly engine: Engine;
  readonly copy: ImageCopy;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onBoundary: OnBoundary;
  /** A pull failed for lack of space. */
  readonly onNoSpace: () => void;
}

export class PulledImages implements Pulls {
  private notes: readonly ImageNote[] = [];
  private services = new Map<string, UsedService>();
  private wanted: ReadonlySet<string> = new Set();
  private saved = '';
  private saving: Promise<void> = Promise.resolve();
  /** In flight. */
  pulls = 0;

  constructor(private readonly options: PulledImagesOptions) {}

  /** Before anything else. */
  async load(): Promise<void> {
    const { images, services } = await this.options.copy.load();
    this.notes = images;
    this.services = new Map(Object.entries(services));
    this.saved = JSON.stringify(this.kept);
  }

  get images(): readonly ImageNote[] {
    return this.notes;
  }

  /** By service, the last one first. */
  get releases(): ReadonlyMap<string, readonly UsedRelease[]> {
    return new Map([...this.services].map(([name, { releases }]) => [name, releases]));
  }

  /** The engine, with pulls that go through `onPulled`. */
  over(engine: Engine): Engine {
    const pull: Engine['pull'] = (reference, options) =>
      this.onPulled(reference, () => engine.pull(reference, options));
    return Object.assign(Object.create(engine) as Engine, { pull });
  }

  async onPulled(reference: string, pull: () => Promise<void>): Promise<void> {
    this.pulls++;
    try {
      const before = await this.readBefore(reference);
      await pull();
      if (before !== undefined) await this.note(reference, before);
    } catch (error) {
      if (error instanceof EngineError && error.code === 'no-space') this.options.onNoSpace();
      throw error;
    } finally {
      this.pulls--;
    }
  }

  /** Follows which releases the host is to run. @param desired complete, or nothing is concluded from it */
  async observe(desired: Desired): Promise<void> {
    if (!desired.isComplete) return;
    const nowMs = this.options.clock.wallMs();
    const wanted = new Set<string>();
    const present = new Set<string>();
    for (const { service, release: number, spec } of desired.instances.values()) {
      present.add(service);
      if (spec === undefined) continue;
      wanted.add(spec.container.image);
      this.use(service, { number, image: spec.container.image });
    }
    for (const [name, { releases, goneSinceMs }] of this.services) {
      // A clock that was put back must not keep them for ever.
      const sinceMs = Math.min(goneSinceMs ?? nowMs, nowMs);
      if (present.has(name)) this.services.set(name, { releases });
      else if (nowMs - sinceMs >= GONE_MS) this.services.delete(name);
      else this.services.set(name, { releases, goneSinceMs: sinceMs });
    }
    this.notes = this.notes.map((note) =>
      this.wanted.has(note.reference) && !wanted.has(note.reference) ? { ...note, usedMs: nowMs } : note,
    );
    this.wanted = wanted;
    await this.save();
  }

  /** These are not on the engine any more, or not ours any more. */
  async forget(gone: (note: ImageNote) => boolean): Promise<void> {
    this.notes = this.notes.filter((note) => !gone(note));
    await this.save();
  }

  private use(service: string, release: UsedRelease): void {
    const known = this.services.get(service)?.releases ?? [];
    const isSame = ({ number, image }: UsedRelease): boolean => number === release.number && image === release.image;
    // Several releases may run at once, during a rollout: their order must not change with each look.
    if (known.some(isSame) && this.wanted.has(release.image)) return;
    const releases = [release, ...known.filter((one) => !isSame(one))].slice(0, MAX_KEEP_RELEASES);
    this.services.set(service, { releases });
  }

  /** @returns the ids of all images that are there; undefined when what is pulled will not be ours, or Docker does not say */
  private async readBefore(reference: string): Promise<ReadonlySet<string> | undefined> {
    try {
      const id = (await this.options.engine.imageIds([reference])).get(reference);
      const isOurs = this.notes.some((note) => note.reference === reference && note.id === id);
      if (id !== undefined && !isOurs) return undefined;
      return new Set((await this.options.engine.images()).map((image) => image.id));
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      return undefined;
    }
  }

  private async note(reference: string, before: ReadonlySet<string>): Promise<void> {
    const { engine, clock, log } = this.options;
    try {
      const id = (await engine.imageIds([reference])).get(reference);
      if (id === undefined || before.has(id)) return;
      const names = (await engine.images()).find((image) => image.id === id)?.references ?? [];
      this.notes = [...this.notes, { reference, id, names, usedMs: clock.wallMs() }];
      await this.save();
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      log.warn('an image that was pulled is not known by its id, and will never be tidied up', {
        ...{ image: reference, reason: error.message },
      });
    }
  }

  private get kept(): ImageNotes {
    return { images: this.notes, services: Object.fromEntries(this.services) };
  }

  /** One save at a time. What can't be saved is saved with the next change. */
  private save(): Promise<void> {
    this.saving = this.saving.then(async () => {
      const { copy, onBoundary } = this.options;
      const text = JSON.stringify(this.kept);
      if (text === this.saved) return;
      onBoundary('image-notes.before');
      try {
        await copy.save(this.kept);
        onBoundary('image-notes.after');
        this.saved = text;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.options.log.error('which images Berth pulled can not be written to disk', { reason });
      }
    });
    return this.saving;
  }
}
