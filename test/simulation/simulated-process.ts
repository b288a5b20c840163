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

  /** One call of this process to the world outside. */
  async call<T>(act: () => Promise<T>): Promise<T> {
    if (this.isKilled) return NEVER;
    try {
      const answer = await act();
      return this.isKilled ? NEVER : answer;
    } catch (error) {
      if (this.isKilled) return NEVER;
      throw error;
    }
  }

  /** The engine as this process reaches it. */
  engine(engine: Engine): Engine {
    const { ends } = this;
    return overCalls(
      Object.assign(Object.create(engine) as Engine, {
        watch: (wake: () => void, signal: AbortSignal) => engine.watch(wake, AbortSignal.any([signal, ends.signal])),
        watchVolumes: (wake: () => void, signal: AbortSignal) =>
          engine.watchVolumes(wake, AbortSignal.any([signal, ends.signal])),
      }),
      (_, act) => this.call(act),
    );
  }

  kill(): void {
    this.isKilled = true;
    this.ends.abort();
    this.store.close();
  }
}

export type EngineCall = Exclude<keyof Engine, 'watch' | 'watchVolumes'>;

/** The engine, with something done around every call but those that watch. */
export function overCalls(
  engine: Engine,
  around: (call: EngineCall, act: () => Promise<never>, args: readonly unknown[]) => Promise<unknown>,
): Engine {
  const calls = engine as unknown as Record<EngineCall, (...args: readonly unknown[]) => Promise<never>>;
  return new Proxy(engine, {
    get: (_, name: keyof Engine) =>
      name === 'watch' || name === 'watchVolumes'
        ? (...args: Parameters<Engine['watch']>) => engine[name](...args)
        : (...args: unknown[]) => around(name, () => calls[name](...args), args),
  });
}
