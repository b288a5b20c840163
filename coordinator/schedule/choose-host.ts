/**
 * Pure: which host is best for the next instance of one release. All hosts are asked once; then only those on which
 * something was taken or given back are asked again, so that a thousand instances cost little more than one.
 */
import type { Release } from '../../lib/documents/types';
import type { ClusterView, HostView } from '../view';
import { ownVolumes } from './own-volumes';
import { fits, whyNot } from './filters';
import { Heap } from './heap';
import type { Usage } from './usage';

interface Entry {
  readonly host: HostView;
  /** The less, the better; the first that differs decides, then the name. */
  readonly rank: number;
  readonly first: number;
  readonly second: number;
}

/** Hosts with the same values of the labels over which the service is spread. */
interface Group {
  readonly values: readonly string[];
  readonly heap: Heap<Entry>;
}

export class HostQueue {
  private readonly groups = new Map<string, Group>();
  /** The one entry of each host that counts: it is as the host is now. */
  private readonly current = new Map<string, Entry>();
  /** By label of `spread`: instances of the service on hosts with each value. */
  private readonly counts: readonly Map<string, number>[];
  /** Instances of the service that are in `counts`, by host. */
  private readonly counted = new Map<string, number>();
  private readonly reasons = new Map<string, string>();
  private readonly isBinpack: boolean;
  private readonly data: readonly string[];
  private seen: number;

  constructor(
    private readonly view: ClusterView,
    private readonly usage: Usage,
    private readonly release: Release,
  ) {
    this.isBinpack = view.clusterIntent.document.placement === 'binpack';
    this.counts = release.deploy.spread.map(() => new Map<string, number>());
    this.data = ownVolumes(release);
    this.seen = usage.touched.length;
    const waiting = new Map<string, { values: readonly string[]; entries: Entry[] }>();
    for (const host of view.hosts.values()) {
      this.count(host);
      const entry = this.entryOf(host);
      if (entry === undefined) continue;
      this.current.set(host.name, entry);
      const values = this.valuesOf(host);
      const key = values.join('\n');
      const group = waiting.get(key);
      if (group === undefined) waiting.set(key, { values, entries: [entry] });
      else group.entries.push(entry);
    }
    for (const [key, { values, entries }] of waiting)
      this.groups.set(key, { values, heap: new Heap(entries, compare) });
  }

  /** @param avoid a host that is not meant @returns undefined when no host takes one more */
  best(avoid?: string): HostView | undefined {
    this.catchUp();
    let best: Group | undefined;
    const set: [Group, Entry][] = [];
    for (const group of this.groups.values()) {
      let top = this.topOf(group);
      if (top !== undefined && top.host.name === avoid) {
        group.heap.pop();
        set.push([group, top]);
        top = this.topOf(group);
      }
      if (top !== undefined && (best === undefined || this.isBetter(group, top, best))) best = group;
    }
    const host = best?.heap.top?.host;
    for (const [group, entry] of set) group.heap.push(entry);
    return host;
  }

  /** @returns why each host that does not take one more does not, for people */
  refusals(): ReadonlyMap<string, string> {
    this.catchUp();
    for (const host of this.view.hosts.values()) {
      if (this.reasons.has(host.name) || this.current.has(host.name)) continue;
      const reason = whyNot({ host, usage: this.usage.of(host.name) }, this.release);
      if (reason !== undefined) this.reasons.set(host.name, reason);
    }
    return this.reasons;
  }

  /** Fewest of the service among hosts with the same value of the first label, then of the next; then the better host. */
  private isBetter(group: Group, top: Entry, best: Group): boolean {
    const other = best.heap.top!;
    if (top.rank !== other.rank) return top.rank < other.rank;
    for (const [at, count] of this.counts.entries()) {
      const difference = (count.get(group.values[at]!) ?? 0) - (count.get(best.values[at]!) ?? 0);
      if (difference !== 0) return difference < 0;
    }
    return compare(top, other) < 0;
  }

  private topOf({ heap }: Group): Entry | undefined {
    while (heap.top !== undefined && this.current.get(heap.top.host.name) !== heap.top) heap.pop();
    return heap.top;
  }

  private catchUp(): void {
    const { touched } = this.usage;
    if (this.seen === touched.length) return;
    const names = new Set(touched.slice(this.seen));
    this.seen = touched.length;
    for (const name of names) {
      const host = this.view.hosts.get(name);
      if (host === undefined) continue;
      this.count(host);
      this.reasons.delete(name);
      const entry = this.entryOf(host);
      if (entry === undefined) this.current.delete(name);
      else this.enter(entry);
    }
  }

  private enter(entry: Entry): void {
    this.current.set(entry.host.name, entry);
    const values = this.valuesOf(entry.host);
    const key = values.join('\n');
    const group = this.groups.get(key);
    if (group === undefined) this.groups.set(key, { values, heap: new Heap([entry], compare) });
    else group.heap.push(entry);
  }

  /** @returns undefined when the host does not take one more */
  private entryOf(host: HostView): Entry | undefined {
    const usage = this.usage.of(host.name);
    if (!fits({ host, usage }, this.release)) return undefined;
    const ofService = usage.ofService.get(this.release.service) ?? 0;
    // Nobody uses the data that is there: it was left by one that was scaled away, or whose assignment was lost.
    const hasData = ofService === 0 && this.data.some((name) => host.status?.volumes.includes(name) === true);
    const rank = hasData ? 0 : 1;
    if (!this.isBinpack) return { host, rank, first: ofService, second: usage.instances };
    const { nanoCpus = 0, memoryBytes = 0 } = host.record?.capacity ?? {};
    const fullness = share(usage.nanoCpus, nanoCpus) + share(usage.memoryBytes, memoryBytes);
    return { host, rank, first: -fullness, second: -usage.instances };
  }

  private count(host: HostView): void {
    if (this.counts.length === 0) return;
    const now = this.usage.of(host.name).ofService.get(this.release.service) ?? 0;
    const more = now - (this.counted.get(host.name) ?? 0);
    if (more === 0) return;
    this.counted.set(host.name, now);
    this.valuesOf(host).forEach((value, at) => {
      const count = this.counts[at]!;
      count.set(value, (count.get(value) ?? 0) + more);
    });
  }

  /** Hosts without a label are together, as if it were empty. */
  private valuesOf({ record }: HostView): readonly string[] {
    return this.release.deploy.spread.map((label) => record?.labels[label] ?? '');
  }
}

function compare(a: Entry, b: Entry): number {
  return a.rank - b.rank || a.first - b.first || a.second - b.second || (a.host.name < b.host.name ? -1 : 1);
}

function share(used: number, of: number): number {
  return of === 0 ? 0 : used / of;
}
