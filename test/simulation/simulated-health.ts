/** How the containers of one host answer probes. */
import type { MemoryDocker } from '../../agent/docker/simulated/memory-docker';
import { SUCCESS, type Outcome, type TryProbe } from '../../agent/probes/outcome';
import type { SimulatedProcess } from './simulated-process';

const ANSWER_MS = 20;
/** An image of this name never answers well. */
const SICKLY = /^sickly:/;

export class SimulatedHealth {
  private readonly ill = new Map<string, 'sick' | 'hangs'>();
  private readonly failed = new Map<string, number>();

  constructor(private readonly docker: MemoryDocker) {}

  fallIll(id: string, how: 'sick' | 'hangs'): void {
    this.ill.set(id, how);
  }

  recover(id: string): void {
    this.ill.delete(id);
  }

  heal(): void {
    this.ill.clear();
  }

  /** Tries that failed since the last one that did not. */
  failedTries(id: string): number {
    return this.failed.get(id) ?? 0;
  }

  /** As the agent process has it. */
  tryProbe(process: SimulatedProcess): TryProbe {
    return async (_, { containerId }, signal) => {
      const outcome = await new Promise<Outcome>((resolve) => {
        signal.addEventListener('abort', () => resolve({ result: 'timeout', reason: 'no answer' }));
        process.clock.after(ANSWER_MS, () => {
          const how = this.howIs(containerId);
          if (how !== 'hangs') resolve(how === 'well' ? SUCCESS : { result: 'failure', reason: 'it says 500' });
        });
      });
      this.failed.set(containerId, outcome.result === 'success' ? 0 : this.failedTries(containerId) + 1);
      return outcome;
    };
  }

  private howIs(id: string): 'well' | 'sick' | 'hangs' {
    const image = this.docker.containers.get(id)?.request.container.image ?? '';
    return this.ill.get(id) ?? (SICKLY.test(image) ? 'sick' : 'well');
  }
}
