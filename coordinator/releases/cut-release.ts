/** Pure: whether a service needs another release, and what it says. docs/decisions/0015. */
import { emptyDocument } from '../../lib/documents/codec';
import type { Problem, Release } from '../../lib/documents/types';
import type { ServiceInput } from '../schedule/types';

export interface ReleaseDecision {
  /** To be written before any assignment names it. */
  readonly release?: Release;
  /** The release waits for a host to say what its image's name means now. */
  readonly resolving?: Resolving;
  /** Why no release is cut, where the document itself is right: of its config. */
  readonly problems: readonly Problem[];
}

/** What the service's move says meanwhile, and the question that is to stand in the host's assignment. */
export interface Resolving {
  /** Host. */
  readonly asked: string;
  readonly question: number;
  /** How often it was asked, this time included. */
  readonly asks: number;
  readonly image: string;
  /** For people. */
  readonly reason: string;
  /** When the answer is late. */
  readonly againInMs: number;
}

/** @param newest the newest release that can be read */
export function decideRelease(input: ServiceInput, newest: Release | undefined): ReleaseDecision {
  const release = cutRelease(input, newest);
  return { ...(release && { release }), problems: [] };
}

function cutRelease(input: ServiceInput, newest: Release | undefined): Release | undefined {
  const { service, document, wallMs } = input;
  if (document?.compiled.ok !== true) return undefined;
  const { container, deploy } = document.compiled;
  if (newest !== undefined && sameText(newest.container, container) && sameText(newest.deploy, deploy))
    return undefined;
  const unpinned = !container.image.includes('@sha256:');
  return {
    ...emptyDocument('Release'),
    ...{ service, number: nextNumber(input), container, deploy },
    ...{ createdAtMs: wallMs, serviceRevision: document.modRevision, unpinned },
  };
}

/**
 * Hosts may still run releases of a service whose documents were lost, and others may be there that can't be read: their
 * numbers are not given out again.
 */
function nextNumber({ service, view, reports }: ServiceInput): number {
  const reported = reports().map(({ status }) => status.release);
  const written = [...(view.releases.get(service)?.keys() ?? []), ...(view.unreadableReleases?.get(service) ?? [])];
  return Math.max(0, ...written, ...reported) + 1;
}

function sameText(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
