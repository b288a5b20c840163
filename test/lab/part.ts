/** A daemon on a machine of the lab, as its service manager would run it, except that nobody starts it again. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { until } from '../support/wait';
import { childOf, type Machine } from './machine';
import type { PartKind } from './layout';

/** Most of it is for a machine with far more to do than cores. */
const READY_MS = 60_000;
/** The daemons promise to end within 10 s. */
const STOP_MS = 15_000;
const TAIL_LINES = 8;

export interface PartState {
  readonly kind: PartKind | 'wire';
  readonly state: 'running' | 'paused' | 'ended' | 'never started';
  readonly pid?: number;
  /** Exit code or signal of one that ended. */
  readonly exit?: number | string;
  readonly log: string;
}

export interface PartSettings {
  /** `wire`: what makes a link slow. */
  readonly kind: PartKind | 'wire';
  readonly log: string;
  readonly command: readonly string[];
  /** @param said what it has written to its log since it was started */
  isReady(said: string): boolean | Promise<boolean>;
}

export class Part {
  private child: ChildProcess | undefined;
  private pid: number | undefined;
  private isPaused = false;
  private logStart = 0;

  constructor(
    private readonly machine: Machine,
    private readonly settings: PartSettings,
  ) {}

  get kind(): PartKind | 'wire' {
    return this.settings.kind;
  }

  /** Without waiting for it to be ready. @param more arguments for this life of it */
  async start(more: readonly string[] = []): Promise<void> {
    if (this.isRunning) throw new Error(`${this.name} runs already`);
    const { log, command } = this.settings;
    this.logStart = statSync(log, { throwIfNoEntry: false })?.size ?? 0;
    this.isPaused = false;
    const child = this.machine.spawn([...command, ...more], log);
    child.on('error', () => undefined); // told by the wait below
    this.child = child;
    this.pid = undefined;
    await until(`${this.name} starts`, () => (this.pid = childOf(child.pid!)) !== undefined || !this.isRunning);
  }

  /** @throws Error with the end of its log when it ends, or is not ready in time */
  async ready(): Promise<void> {
    const check = async (): Promise<boolean> => !this.isRunning || (await this.settings.isReady(this.said()));
    await until(`${this.name} is ready`, check, READY_MS).catch((error: Error) => {
      throw new Error(`${error.message}. The end of its log:\n${this.tail()}`);
    });
    if (!this.isRunning) throw new Error(`${this.name} ended (${this.exit}). The end of its log:\n${this.tail()}`);
  }

  /** SIGKILL. Nothing when it does not run. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** SIGTERM. @throws Error when it does not end in time */
  async stop(): Promise<void> {
    this.resume();
    await this.end('SIGTERM');
  }

  /** Its machine is gone, and with it all that ran there: settles when that is known. */
  async ended(): Promise<void> {
    if (this.isRunning) await once(this.child!, 'exit');
  }

  pause(): void {
    this.signal('SIGSTOP');
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.signal('SIGCONT');
  }

  state(): PartState {
    const { kind, log } = this.settings;
    if (this.child === undefined) return { kind, state: 'never started', log };
    if (!this.isRunning) return { kind, state: 'ended', exit: this.exit!, log };
    return { kind, state: this.isPaused ? 'paused' : 'running', pid: this.pid!, log };
  }

  private get name(): string {
    return `the ${this.kind} of ${this.machine.layout.name}`;
  }

  private get isRunning(): boolean {
    return this.child?.pid !== undefined && this.exit === null;
  }

  private get exit(): number | string | null {
    return this.child?.exitCode ?? this.child?.signalCode ?? null;
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    if (!this.isRunning) return;
    const ended = once(this.child!, 'exit').then(() => true);
    this.signal(signal);
    const late = new Promise((fire) => setTimeout(fire, STOP_MS, false).unref());
    if ((await Promise.race([ended, late])) === false) throw new Error(`${this.name} does not end by ${signal}`);
  }

  private signal(signal: NodeJS.Signals): void {
    if (!this.isRunning || this.pid === undefined) throw new Error(`${this.name} does not run`);
    process.kill(this.pid, signal);
    // nsenter stops when its child does, and would not see it end.
    if (signal === 'SIGKILL' || signal === 'SIGCONT') this.child!.kill('SIGCONT');
  }

  private said(): string {
    return readFileSync(this.settings.log).subarray(this.logStart).toString();
  }

  private tail(): string {
    return this.said().trim().split('\n').slice(-TAIL_LINES).join('\n');
  }
}
