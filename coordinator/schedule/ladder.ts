/**
 * Pure: all hosts, those with the fewest instances first, whatever service they are of. One for a whole plan: of a service
 * with nothing on most hosts it knows the best host after a look or two, where a queue of its own asks them all.
 */
import type { Release } from '../../lib/documents/types';
import type { ClusterView, HostView } from '../view';
import { fits } from './filters';
import { Heap } from './heap';
import { ownVolumes } from './own-volumes';
import type { Usage } from './usage';

/** Hosts that are looked at for one instance. After more, a queue of the release's own is cheaper. */
const MAX_LOOKS = 64;

interface Entry {
  readonly host: HostView;
  readonly instances: number;
}

/** Nothing but how many instances are where says which host is best for it. */
export function isPlain({ clusterIntent }: ClusterView, release: Release): boolean {
  const isBinpack = clusterIntent.document.placement === 'binpack';
  return !isBinpack && release.deploy.spread.length === 0 && ownVolumes(release).length === 0;
}

export class Ladder {
  private readonly heap: Heap<Entry>;
  /** The one entry of each touched host that counts: it is as the host is now. */
  private readonly current = new Map<string, Entry>();
  private seen: number;

  constructor(
    private readonly view: ClusterView,
    private readonly usage: Usage,
  ) {
    this.seen = usage.touched.length;
    this.heap = new Heap(
      [...view.hosts.values()].map((host) => this.entryOf(host)),
      compare,
    );
  }

  /**
   * @param release that is plain
   * @returns of the hosts that have none of the service, the best that takes one more; undefined: ask its queue
   */
  best(release: Release, avoid?: string): HostView | undefined {
    this.catchUp();
    const passed: Entry[] = [];
    let found: HostView | undefined;
    for (let top = this.top; top !== undefined && passed.length < MAX_LOOKS; top = this.top) {
      if (top.host.name !== avoid && this.isFree(top.host, release)) {
        found = top.host;
        break;
      }
      passed.push(top);
      this.heap.pop();
    }
    for (const entry of passed) this.heap.push(entry);
    return found;
  }

  private isFree(host: HostView, release: Release): boolean {
    const usage = this.usage.of(host.name);
    return !usage.ofService.has(release.service) && fits({ host, usage }, release);
  }

  private get top(): Entry | undefined {
    const { heap, current } = this;
    for (let top = heap.top; top !== undefined; top = heap.top) {
      if ((current.get(top.host.name) ?? top) === top) return top;
      heap.pop();
    }
    return undefined;
  }

  private catchUp(): void {
    const { touched } = this.usage;
    for (; this.seen < touched.length; this.seen++) {
      const host = this.view.hosts.get(touched[this.seen]!);
      if (host === undefined) continue;
      const entry = this.entryOf(host);
      this.current.set(host.name, entry);
      this.heap.push(entry);
    }
  }

  private entryOf(host: HostView): Entry {
    return { host, instances: this.usage.of(host.name).instances };
  }
}

function compare(a: Entry, b: Entry): number {
  return a.instances - b.instances || (a.host.name < b.host.name ? -1 : 1);
}
