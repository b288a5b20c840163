/**
 * Which services the leader has to plan, and when. Usually all that are dirty go into one plan; a service whose
 * changes can't be committed is planned alone, so that it holds up no other (G6).
 */
import { backoffMs } from '../lib/backoff';

const RETRY = { baseMs: 100, capMs: 5000 };
/** A conflict or two is the mirror being late; more of them are somebody's document. */
const ISOLATE_AFTER = 3;

interface Suspect {
  readonly failures: number;
  readonly notBeforeMs: number;
}

export type Turn = { readonly services: readonly string[] } | { readonly waitMs: number } | undefined;

export class DirtyServices {
  private readonly dirty = new Set<string>();
  /** When those that wait for a time get dirty by themselves. */
  private readonly dueMs = new Map<string, number>();
  /** Not later than the first of them. */
  private nextDueMs = Infinity;
  /** Those that failed alone, until they succeed. */
  private readonly suspects = new Map<string, Suspect>();
  private failures = 0;
  private notBeforeMs = -Infinity;
  private isIsolating = false;

  constructor(private readonly random: () => number) {}

  mark(service: string): void {
    this.dirty.add(service);
  }

  /** Gets dirty at this time, if it is not planned before. */
  markAt(service: string, atMs: number): void {
    this.dueMs.set(service, atMs);
    this.nextDueMs = Math.min(this.nextDueMs, atMs);
  }

  clear(): void {
    this.dirty.clear();
    this.dueMs.clear();
    this.nextDueMs = Infinity;
    this.suspects.clear();
    this.rest();
  }

  /** @returns those to plan together now, how long to wait for some, or undefined when there are none */
  take(nowMs: number): Turn {
    this.takeDue(nowMs);
    if (this.dirty.size === 0) return this.dueMs.size === 0 ? undefined : { waitMs: this.nextDueMs - nowMs };
    if (nowMs < this.notBeforeMs) return { waitMs: this.notBeforeMs - nowMs };
    const healthy = [...this.dirty].filter((service) => !this.suspects.has(service));
    if (healthy.length === 0) this.rest();
    const services = healthy.length === 0 ? this.dueSuspect(nowMs) : this.isIsolating ? healthy.slice(0, 1) : healthy;
    if (services.length === 0) return { waitMs: Math.max(0, Math.min(this.nextSuspectMs(), this.nextDueMs) - nowMs) };
    for (const service of services) {
      this.dirty.delete(service);
      this.dueMs.delete(service);
    }
    return { services };
  }

  succeeded(services: readonly string[]): void {
    for (const service of services) this.suspects.delete(service);
    if (!this.isIsolating) this.rest();
  }

  /** @param isOfAll etcd as a whole is the reason: no service is to be blamed */
  failed(services: readonly string[], nowMs: number, isOfAll: boolean): void {
    for (const service of services) this.dirty.add(service);
    const [only] = services;
    const known = only === undefined ? undefined : this.suspects.get(only);
    if (!isOfAll && only !== undefined && services.length === 1 && (this.isIsolating || known !== undefined)) {
      const failures = (known?.failures ?? 0) + 1;
      this.suspects.set(only, { failures, notBeforeMs: nowMs + backoffMs(failures, RETRY, this.random) });
      return;
    }
    this.failures++;
    this.isIsolating = !isOfAll && this.failures >= ISOLATE_AFTER;
    if (!this.isIsolating) this.notBeforeMs = nowMs + backoffMs(this.failures, RETRY, this.random);
  }

  private takeDue(nowMs: number): void {
    if (nowMs < this.nextDueMs) return;
    this.nextDueMs = Infinity;
    for (const [service, atMs] of this.dueMs)
      if (atMs <= nowMs) {
        this.dueMs.delete(service);
        this.dirty.add(service);
      } else this.nextDueMs = Math.min(this.nextDueMs, atMs);
  }

  private rest(): void {
    this.failures = 0;
    this.notBeforeMs = -Infinity;
    this.isIsolating = false;
  }

  private dueSuspect(nowMs: number): readonly string[] {
    const due = [...this.dirty].find((service) => (this.suspects.get(service)?.notBeforeMs ?? 0) <= nowMs);
    return due === undefined ? [] : [due];
  }

  private nextSuspectMs(): number {
    return Math.min(...[...this.dirty].map((service) => this.suspects.get(service)?.notBeforeMs ?? 0));
  }
}
