/** Pure: what would become of each instance of a service, host by host. */
import type { Release } from '../../lib/documents/types';
import { canonicalJson, sameContainer } from '../../lib/release/spec-hash';
import { changesBetween } from '../releases/changes';
import type { Placement } from '../view';

export interface Difference {
  /**
   * "create"; "replace": on its host; "move": to another one; "update": its limits, in place; "remove".
   */
  readonly action: 'create' | 'replace' | 'move' | 'update' | 'remove';
  readonly service: string;
  readonly slot: number;
  readonly host: string;
  /** Where it is now, of a move; empty otherwise. */
  readonly from: string;
  /** For people. */
  readonly reason: string;
}

export interface Between {
  readonly before: readonly Placement[];
  readonly after: readonly Placement[];
  readonly releaseOf: (service: string, number: number) => Release | undefined;
  /** One on every host: its instances are told apart by their hosts, not by their slots. */
  readonly isGlobal: boolean;
}

const LIMITS = 'container.limits';
/** Of what changed, the first tell enough. */
const MAX_PATHS = 3;

/** @returns sorted by host, then by slot */
export function differencesOf({ before, after, releaseOf, isGlobal }: Between): readonly Difference[] {
  const placeOf = ({ host, slot }: Placement): string => (isGlobal ? host : String(slot));
  const kept = new Map(after.map((one) => [one.id, one]));
  const going = before.filter(({ id }) => !kept.has(id));
  const known = new Set(before.map(({ id }) => id));
  const coming = new Map(after.filter(({ id }) => !known.has(id)).map((one) => [placeOf(one), one]));
  const found: Difference[] = [];
  for (const old of before) {
    const now = kept.get(old.id);
    if (now !== undefined && isResized(releaseOf(old.service, old.release), releaseOf(now.service, now.release)))
      found.push({ ...differing(now, 'update'), reason: LIMITS });
  }
  for (const old of going) {
    const now = coming.get(placeOf(old));
    coming.delete(placeOf(old));
    if (now === undefined) found.push(differing(old, 'remove'));
    else {
      const reason = whyReplaced(releaseOf(old.service, old.release), releaseOf(now.service, now.release));
      const action = now.host === old.host ? 'replace' : 'move';
      found.push({ ...differing(now, action), from: action === 'move' ? old.host : '', reason });
    }
  }
  return [...found, ...[...coming.values()].map((one) => differing(one, 'create'))].sort(inOrder);
}

function differing({ service, slot, host }: Placement, action: Difference['action']): Difference {
  return { action, service, slot, host, from: '', reason: '' };
}

function isResized(old: Release | undefined, now: Release | undefined): boolean {
  return canonicalJson(old?.container.limits) !== canonicalJson(now?.container.limits);
}

function whyReplaced(old: Release | undefined, now: Release | undefined): string {
  if (old === undefined || now === undefined) return '';
  if (sameContainer(old, now)) return 'its host is to be left, or its config there changed';
  const paths = changesBetween(old, now).filter((path) => !path.startsWith('deploy.') && !path.startsWith(LIMITS));
  const more = paths.length - MAX_PATHS;
  return `${paths.slice(0, MAX_PATHS).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function inOrder(a: Difference, b: Difference): number {
  if (a.host !== b.host) return a.host < b.host ? -1 : 1;
  if (a.service !== b.service) return a.service < b.service ? -1 : 1;
  return a.slot - b.slot;
}
