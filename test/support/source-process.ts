import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import * as path from 'node:path';
import { createInterface } from 'node:readline';

/** A process of its own that runs a TypeScript source of this repository. */
export interface SourceProcess {
  readonly child: ChildProcess;
  /** Lines of its standard output so far. */
  readonly lines: readonly string[];
  /** @returns its exit code, or the signal that ended it */
  exit(): Promise<number | string>;
  /** SIGKILL, unless it has ended. */
  stop(): Promise<void>;
}

const ROOT = path.join(__dirname, '../..');

/** Arguments with which node runs a TypeScript source. @param file relative to the root of the repository */
export const sourceCommand = (file: string): readonly string[] => [
  '-r',
  path.join(__dirname, 'typescript-hook.js'),
  path.join(ROOT, file),
];

/** @param file relative to the root of the repository; its standard error is the test's */
export function startSource(file: string, args: readonly string[]): SourceProcess {
  const child = spawn(process.execPath, [...sourceCommand(file), ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const exited = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
  return {
    child,
    lines,
    exit: () => exited,
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
