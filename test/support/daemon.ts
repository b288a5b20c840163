/** A Berth daemon as a process of its own, as systemd would run it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { until } from './wait';

export const BERTH = join(__dirname, '../../bin/berth');

export class Daemon {
  private child: ChildProcess | undefined;
  /** Everything that it has said so far, over all of its lives. */
  output = '';
  exitCode: number | null | undefined;

  constructor(private readonly args: readonly string[]) {}

  /** Starts it without waiting for it to be ready. */
  spawn(...more: string[]): this {
    this.exitCode = undefined;
    const child = spawn(BERTH, [...this.args, ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    child.once('exit', (code) => (this.exitCode = code));
    this.child = child;
    return this;
  }

  async start(...more: string[]): Promise<this> {
    const before = this.output.length;
    this.spawn(...more);
    await until(`berth ${this.args[0]} is ready`, () => {
      if (this.exitCode !== undefined) throw new Error(`it ended with ${this.exitCode}: ${this.output.slice(before)}`);
      return this.output.slice(before).includes(' ready: ');
    });
    return this;
  }

  get pid(): number {
    return this.child!.pid!;
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.child !== undefined && this.exitCode === undefined) {
      this.child.kill(signal);
      await until(`the end of berth ${this.args[0]}`, () => this.exitCode !== undefined, 15_000);
    }
    return this.exitCode ?? null;
  }
}
