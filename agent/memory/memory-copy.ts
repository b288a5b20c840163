/**
 * What of the agent's memory a restart must not forget, on disk: how often an instance was restarted (or a new agent
 * would start again what was given up), which exits and hooks are dealt with, and what the last exit was.
 * Lost or unreadable, it costs that and nothing else.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LastExit } from '../../lib/documents/types';
import { writeWhole } from '../../lib/whole-file';

export interface KeptInstance {
  /** Starts after exits since the last success. */
  readonly restarts: number;
  readonly restartsTotal: number;
  /** Why the last of them; empty before the first. */
  readonly lastRestartReason: string;
  /** From the last exit to the next start, milliseconds. */
  readonly restartDelayMs: number;
  readonly lastExit: LastExit | undefined;
  /** The exit that was taken into account last. */
  readonly seenExit: string | undefined;
  /** Run whose post_start hooks are done. */
  readonly hookedRun: string | undefined;
  /** It is a `before` job that Docker was told to start, or was about to be. */
  readonly isBegun: boolean;
  /** Run that was stopped since the host is cut off. */
  readonly cutRun: string | undefined;
  /** Since when the host is cut off, where that matters to it; wall clock. */
  readonly cutAtMs: number | undefined;
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
        const kept = entries.map(([id, one]) => [id, readKept(one)] as const);
        return new Map(kept.filter((entry): entry is [string, KeptInstance] => entry[1] !== undefined));
      } catch {
        return new Map();
      }
    },
    save: (kept) => writeWhole(path, JSON.stringify(Object.fromEntries(kept))),
  };
}

/** Nothing but what is asked for, and nothing that the status could not carry: a file that is odd must not end the agent. */
function readKept(value: unknown): KeptInstance | undefined {
  const fields = (value ?? {}) as Record<string, unknown>;
  const { restarts, restartsTotal, restartDelayMs, lastExit, ...rest } = fields as unknown as KeptInstance;
  const { seenExit, hookedRun, cutRun, cutAtMs } = rest;
  // Agents before this one did not keep them.
  const { lastRestartReason = '', isBegun = false } = fields;
  const isWhole =
    isCount(restarts) &&
    isCount(restartsTotal) &&
    Number.isFinite(restartDelayMs) &&
    (lastExit === undefined || isExit(lastExit)) &&
    typeof lastRestartReason === 'string' &&
    typeof isBegun === 'boolean' &&
    (cutAtMs === undefined || Number.isFinite(cutAtMs)) &&
    [seenExit, hookedRun, cutRun].every((text: unknown) => text === undefined || typeof text === 'string');
  if (!isWhole) return undefined;
  const told = { restarts, restartsTotal, lastRestartReason, restartDelayMs, lastExit };
  return { ...told, seenExit, hookedRun, isBegun, cutRun, cutAtMs };
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31;
}

function isExit(value: unknown): boolean {
  const { code, oomKilled, atMs, signal, log } = (value ?? {}) as Record<string, unknown>;
  const isEnd = isCount(Math.abs(code as number)) && typeof oomKilled === 'boolean' && Number.isSafeInteger(atMs);
  const isLog = Array.isArray(log) && log.every((line) => typeof line === 'string');
  return isEnd && isLog && typeof signal === 'string';
}
