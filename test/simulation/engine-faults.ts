/** What goes wrong with calls to one host's Docker Engine, beyond an engine that is away: memory-docker.ts has that. */
import { EngineError, type Engine } from '../../agent/docker/engine';
import type { MemoryDocker } from '../../agent/docker/simulated/memory-docker';
import type { Clock } from '../../lib/clock';
import { overCalls, type EngineCall } from './simulated-process';

/** When a call that is not answered is given up, about as the real engine does it (agent/docker/dockerode-engine.ts). */
const DEADLINE_MS: Readonly<Partial<Record<EngineCall, number>>> = { create: 60_000, start: 60_000, remove: 60_000 };
const OTHER_DEADLINE_MS = 10_000;
const STOP_DEADLINE_MS = 30_000;

export interface CallFault {
  readonly call: EngineCall;
  /** Only of this instance's container; undefined for any. */
  readonly instance?: string;
  /** An error at once, or no answer until the deadline, or an answer that comes late. */
  readonly how: 'fails' | 'hangs' | 'slow';
  /** Whether what was asked for is done all the same: never, at once, or after the caller has given up. */
  readonly effect: 'none' | 'done' | 'late';
  left: number;
}

export class EngineFaults {
  private faults: CallFault[] = [];
  private hooksFail = 0;

  constructor(
    private readonly clock: Clock,
    private readonly docker: MemoryDocker,
  ) {}

  add(fault: CallFault): void {
    this.faults.push(fault);
  }

  failHooks(times: number): void {
    this.hooksFail = times;
  }

  /** Those of one instance stay, if they are to. */
  heal({ ofInstances = true } = {}): void {
    this.faults = ofInstances ? [] : this.faults.filter(({ instance }) => instance !== undefined);
    this.hooksFail = 0;
  }

  over(engine: Engine): Engine {
    return overCalls(engine, (call, act, args) => this.answer(call, act, args));
  }

  private async answer(call: EngineCall, act: () => Promise<unknown>, args: readonly unknown[]): Promise<unknown> {
    if (call === 'exec' && this.hooksFail > 0) {
      this.hooksFail--;
      await act();
      return { exitCode: 1, output: 'the hook is made to fail' };
    }
    const instance = this.instanceOf(args[0]);
    const fault = this.faults.find(
      (one) => one.left > 0 && one.call === call && (one.instance === undefined || one.instance === instance),
    );
    if (fault === undefined) return act();
    fault.left--;
    return this.act(fault, act);
  }

  private async act({ call, how, effect }: CallFault, act: () => Promise<unknown>): Promise<unknown> {
    const deadlineMs =
      call === 'stop' || call === 'restart' ? STOP_DEADLINE_MS : (DEADLINE_MS[call] ?? OTHER_DEADLINE_MS);
    if (how === 'slow') {
      await this.wait(deadlineMs * 0.8);
      return act();
    }
    if (effect === 'done') await act().catch(() => undefined);
    if (how === 'hangs') await this.wait(deadlineMs);
    if (effect === 'late') this.clock.after(5000, () => void act().catch(() => undefined));
    throw how === 'hangs'
      ? new EngineError('timeout', `Docker did not answer "${call}" within ${deadlineMs / 1000} s`)
      : new EngineError('other', `${call} is made to fail`);
  }

  private instanceOf(asked: unknown): string | undefined {
    if (typeof asked === 'string') return this.docker.containers.get(asked)?.request.instance;
    return (asked as { readonly instance?: string } | undefined)?.instance;
  }

  private wait(ms: number): Promise<void> {
    return new Promise((done) => void this.clock.after(ms, done));
  }
}
