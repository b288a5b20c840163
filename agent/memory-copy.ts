/**
 * What of the agent's memory a restart must not forget, on disk: how often an instance was restarted (or a new agent
 * would start again what was given up), which exits and hooks are dealt with, and what the last exit was.
 * Lost or unreadable, it costs that and nothing else.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LastExit } from '../lib/documents/types';
import { writeWhole } from './whole-file';

export interface KeptInstance {
  /** Starts after exits since the last success. */
  readonly restarts: number;
  readonly restartsTotal: number;
  /** From the last exit to the next start, milliseconds. */
  readonly restartDelayMs: number;
  readonly lastExit: LastExit | undefined;
  /** The exit that was taken into account last. */
  readonly seenExit: string | undefined;
  /** Run whose post_start hooks are done. */
  readonly hookedRun: string | undefined;
}

export interface MemoryCopy {
  /** @returns what was saved; empty when there is nothing that can be read */
  load(): Promise<ReadonlyMap<string, KeptInstance>>;
  /** @throws Error when it can't be written, disk full included */
  save(kept: ReadonlyMap<string, KeptInstance>): Promise<void>;
}

export function memoryInFolder(folder: string): MemoryCopy {
  const path = join(folder, 'instances.json');
  return {
    load: async () => {
      try {
        const saved: unknown = JSON.parse(await readFile(path, 'utf8'));
        const entries = Object.entries((saved as Record<string, unknown> | null) ?? {});
        return new Map(entries.flatMap(([id, one]) => (isKept(one) ? [[id, one] as const] : [])));
      } catch {
        return new Map();
      }
    },
    save: (kept) => writeWhole(path, JSON.stringify(Object.fromEntries(kept))),
  };
}

function isKept(value: unknown): value is KeptInstance {
  const { restarts, restartsTotal, restartDelayMs, lastExit, seenExit, hookedRun } = (value ?? {}) as Record<
    string,
    unknown
  >;
  const isExit =
    typeof (lastExit as LastExit | undefined)?.code === 'number' && Array.isArray((lastExit as LastExit).log);
  return (
    Number.isSafeInteger(restarts) &&
    Number.isSafeInteger(restartsTotal) &&
    Number.isFinite(restartDelayMs) &&
    (lastExit === undefined || isExit) &&
    [seenExit, hookedRun].every((text) => text === undefined || typeof text === 'string')
  );
}
