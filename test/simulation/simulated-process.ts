/**
 * What one process has of the world, until it is killed: then no timer of it wakes, no call of it is begun or
 * answered, and what it had asked of Docker or etcd before goes on without it.
 */
import type { Engine } from '../../agent/docker/engine';
import type { Clock } from '../../lib/clock';
import type { MemoryStore } from '../../lib/etcd/memory-store';

const NEVER = new Promise<never>(() => undefined);

export class SimulatedProcess {
  readonly clock: Clock;
  readonly store: MemoryStore;
  isKilled = false;
  private readonly ends = new AbortController();

  constructor(clock: Clock, etcd: MemoryStore) {
    this.store = etcd.connect();
    this.clock = {
      monotonicMs: () => clock.monotonicMs(),
      wallMs: () => clock.wallMs(),
      after: (delayMs, wake) => clock.after(delayMs, () => void (this.isKilled || wake())),
    };
  }

  /** The engine as this process reaches it. */
  engine(engine: Engine): Engine {
    const guard = async <T>(call: () => Promise<T>): Promise<T> => {
      if (this.isKilled) return NEVER;
      try {
        const answer = await call();
        return this.isKilled ? NEVER : answer;
      } catch (error) {
        if (this.isKilled) return NEVER;
        throw error;
      }
    };
    return {
      facts: () => guard(() => engine.facts()),
      list: () => guard(() => engine.list()),
      presentImages: (references) => guard(() => engine.presentImages(references)),
      imageIds: (references) => guard(() => engine.imageIds(references)),
      images: () => guard(() => engine.images()),
      removeImage: (name) => guard(() => engine.removeImage(name)),
      pull: (reference, options) => guard(() => engine.pull(reference, options)),
      create: (request) => guard(() => engine.create(request)),
      whoHasPort: (...port) => guard(() => engine.whoHasPort(...port)),
      start: (id) => guard(() => engine.start(id)),
      stop: (id, graceMs) => guard(() => engine.stop(id, graceMs)),
      restart: (id, graceMs) => guard(() => engine.restart(id, graceMs)),
      update: (id, limits) => guard(() => engine.update(id, limits)),
      exec: (...command) => guard(() => engine.exec(...command)),
      logTail: (...request) => guard(() => engine.logTail(...request)),
      remove: (id) => guard(() => engine.remove(id)),
      watch: (wake, signal) => engine.watch(wake, AbortSignal.any([signal, this.ends.signal])),
    };
  }

  kill(): void {
    this.isKilled = true;
    this.ends.abort();
    this.store.close();
  }
}
