/**
 * Services that etcd has lost: it was emptied, or put back from a backup that lacks them. Their hosts hold their instances, which
 * run on, and say so a moment later. Traefik is told of them as they were known before.
 */
import type { Release } from '../../../lib/documents/types';
import type { ClusterView } from '../../view';
import { isLabelled, releaseOf, type Reports, type TraefikView } from './document';

export type WholeView = TraefikView & Pick<ClusterView, 'services'>;

/** Hosts have as long to say what they hold, after an etcd that is emptied. What nobody holds then is gone. */
export const HELD_TOLD_MS = 2 * 60_000;

interface Last {
  /** The one that counted. */
  readonly release: Release;
  /** Since when etcd lacks it, monotonic. */
  readonly lostMs?: number;
}

export class HeldServices {
  /** By service: with labels of Traefik, and not being deleted. */
  private last: ReadonlyMap<string, Last> = new Map();

  private reports: Reports = new Map();

  /** @returns the view with what it has lost since the one before */
  complete(view: WholeView, nowMs: number): TraefikView {
    const held = heldIn(view);
    const lost = new Map<string, Last>();
    for (const [service, { release, lostMs = nowMs }] of this.last)
      if (!view.releases.has(service) && (held.has(service) || nowMs - lostMs < HELD_TOLD_MS))
        lost.set(service, { release, lostMs });
    this.last = new Map([...here(view), ...lost]);
    if (lost.size === 0) return view;
    const releases = [...lost].map(
      ([service, { release }]) => [service, new Map([[release.number, release]])] as const,
    );
    return { ...view, releases: new Map([...view.releases, ...releases]) };
  }

  /** What hosts said of lost services when Traefik was told of them last: with etcd emptied, they say nothing for a moment. */
  get lastReports(): Reports {
    return new Map([...this.reports].filter(([service]) => this.last.get(service)?.lostMs !== undefined));
  }

  /** Traefik is told of these. */
  note(reports: Reports): void {
    this.reports = reports;
  }

  /** Some are lost: whether they are held may be answered otherwise later, though nothing else changes. */
  get isWaiting(): boolean {
    return [...this.last.values()].some(({ lostMs }) => lostMs !== undefined);
  }
}

/** A service whose document is gone is being deleted: its releases go last. */
function* here(view: WholeView): Iterable<[string, Last]> {
  for (const service of view.releases.keys()) {
    const release = view.services.has(service) ? releaseOf(view, service) : undefined;
    if (release !== undefined && isLabelled(release)) yield [service, { release }];
  }
}

function heldIn({ hosts }: TraefikView): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { status } of hosts.values())
    for (const { held, service } of Object.values(status?.instances ?? {})) if (held) found.add(service);
  return found;
}
