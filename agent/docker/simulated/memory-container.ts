/** A container of the simulated engine, and what runs in it. */
import { createHash } from 'node:crypto';
import type { Hook } from '../../../lib/documents/types';
import type { AppliedLimits, ContainerState } from '../../plan/types';
import type { CreateRequest } from '../engine';
import type { Ownership } from '../list/labels';

/** What a container does once it is started. */
export interface Program {
  /** Why it can't be started at all, in Docker's words. */
  readonly refusal?: string;
  /** Exits by itself after so long; without, it runs until it is stopped. */
  readonly exitsAfterMs?: number;
  readonly exitCode?: number;
  /** That exit is the kernel's, for memory. */
  readonly oomKilled?: boolean;
  /** Exits at the stop signal; otherwise SIGKILL ends it after the grace. */
  readonly obeysStop?: boolean;
  /** Of its health check, if it has one: what it says, and how long after the start. */
  readonly health?: { readonly afterMs: number; readonly status: 'healthy' | 'unhealthy' };
  /** Exit code of every command that is run in it; 0 without. */
  readonly execCode?: number;
  /** What commands in it do; without, they are done at once and say nothing. */
  readonly exec?: (command: Hook) => { readonly exitCode: number; readonly output: string; readonly takesMs?: number };
  /** Lines that it writes when it is started. */
  readonly log?: readonly string[];
}

export interface MemoryContainer {
  readonly id: string;
  readonly owner: Ownership;
  readonly request: CreateRequest;
  readonly createdMs: number;
  state: ContainerState;
  health: 'none' | 'starting' | 'healthy' | 'unhealthy';
  startedMs: number | undefined;
  /** 0 before the first start. */
  startedWallMs: number;
  limits: AppliedLimits;
  /** Commands that were run in it since its creation. */
  readonly commands: string[];
  /** What it wrote since its creation; wall clock. */
  readonly written: { readonly line: string; readonly atMs: number }[];
  /** Of the last run. Both clocks: one for how long, one for display. */
  ended: { code: number; oomKilled: boolean; signal: string; atMs: number; wallMs: number } | undefined;
  /** Timers of the present run. */
  cancels: (() => void)[];
}

export const SIGKILL_CODE = 128 + 9;
export const SIGTERM_CODE = 128 + 15;
export const SIGNALS: Readonly<Record<number, string>> = { [SIGKILL_CODE]: 'SIGKILL', [SIGTERM_CODE]: 'SIGTERM' };

/** One reference, one image. */
export function imageIdOf(reference: string): string {
  return `sha256:${createHash('sha256').update(reference).digest('hex')}`;
}

export function isUp({ state }: MemoryContainer): boolean {
  return state === 'running' || state === 'paused';
}
