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
  /** Those that failed alone, until they succeed. */
  private readonly suspects = new Map<string, Suspect>();
  private failures = 0;
  private notBeforeMs = -Infinity;
  private isIsolating = false;

  constructor(private readonly random: () => number) {}

  mark(service: string): void {
    this.dirty.add(service);
  }

  clear(): void {
    this.dirty.clear();
    this.suspects.clear();
    this.rest();
  }

  /** @returns those to plan together now, how long to wait for some, or undefined when there are none */
  take(nowMs: number): Turn {
    if (this.dirty.size === 0) return undefined;
    if (nowMs < this.notBeforeMs) return { waitMs: this.notBeforeMs - nowMs };
    const healthy = [...this.dirty].filter((service) => !this.suspects.has(service));
    if (healthy.length === 0) this.rest();
    const services = healthy.length === 0 ? this.dueSuspect(nowMs) : this.isIsolating ? healthy.slice(0, 1) : healthy;
    if (services.length === 0) return { waitMs: Math.max(0, this.nextSuspectMs() - nowMs) };
    for (const service of services) this.dirty.delete(service);
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
