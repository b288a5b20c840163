/** The view, kept up with the mirror; it can be held still while somebody works with it. */
import type { Keys } from '../lib/documents/keys';
import type { Mirror } from '../lib/etcd/mirror';
import type { Logger } from '../lib/log';
import { glanceAt, type Change } from './concerns';
import type { ClusterView } from './view';
import { ViewReader } from './view-reader';

export interface FollowedViewOptions {
  readonly mirror: Mirror;
  readonly keys: Keys;
  readonly log: Logger;
  /** Called after each change of the view with what changed. */
  readonly onChange: (changes: readonly Change[]) => void;
}

export class FollowedView {
  private readonly reader: ViewReader;
  private readonly tellHeld: (host: string, view: ClusterView) => void;
  private holds = 0;
  private heldAtRevision = 0;
  /** Keys that changed while the view is held. */
  private readonly waiting = new Set<string>();

  constructor(private readonly options: FollowedViewOptions) {
    this.reader = new ViewReader(options.keys);
    this.tellHeld = heldTeller(options.log);
  }

  get view(): ClusterView {
    return this.reader.view;
  }

  /** Of etcd, that the view is at. */
  get revision(): number {
    return this.waiting.size > 0 ? this.heldAtRevision : this.options.mirror.revision;
  }

  /** @param keys what is there now is in the mirror; none: something else is to be looked at */
  changed(keys: ReadonlySet<string>): void {
    if (this.holds > 0 && keys.size > 0) for (const key of keys) this.waiting.add(key);
    else this.read(keys);
  }

  /** The view stands still from now on. @returns ends it: the view catches up at once */
  hold(): () => void {
    if (this.holds++ === 0) this.heldAtRevision = this.options.mirror.revision;
    return () => {
      if (--this.holds > 0 || this.waiting.size === 0) return;
      const changed = new Set(this.waiting);
      this.waiting.clear();
      this.read(changed);
    };
  }

  private read(changed: ReadonlySet<string>): void {
    const { mirror, keys, log, onChange } = this.options;
    const { view } = this;
    const changes = [...changed].map((key): Change => {
      const kv = mirror.entries().get(key);
      const before = glanceAt(key, keys, view);
      this.reader.read(key, kv);
      if (key.startsWith(keys.statuses)) this.tellHeld(key.slice(keys.statuses.length), view);
      return { key, value: kv?.value, before, after: glanceAt(key, keys, view) };
    });
    for (const { key, message } of changes.length > 0 ? this.view.problems : [])
      if (changed.has(key)) log.error('a document is unreadable; the last good one counts', { key, reason: message });
    onChange(changes);
  }
}

/** Says it once for each host and count, whoever leads: after an emptied etcd it is what an operator has to see. */
function heldTeller(log: Logger): (host: string, view: ClusterView) => void {
  const told = new Map<string, number>();
  return (host, view) => {
    const instances = Object.values(view.hosts.get(host)?.status?.instances ?? {});
    const count = instances.filter(({ held }) => held).length;
    if ((told.get(host) ?? 0) === count) return;
    told.set(host, count);
    if (count === 0) return log.info('a host holds nothing any more', { host });
    const reason = 'etcd knows nothing of their services, or of what is assigned to the host';
    log.warn('a host holds instances: they run on, and nobody manages them', { host, instances: count, reason });
  };
}
