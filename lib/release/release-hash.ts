import { createHash } from 'node:crypto';
import type { Release } from '../documents/types';
import { canonicalJson, specHash } from './spec-hash';

const HEX_LENGTH = 16;
/** Releases are never changed, and are asked for with every plan. */
const known = new WeakMap<Release, string>();

/**
 * Hash of what a release says, its number and time aside. It only has to tell one release from another of the same
 * number: one that is computed otherwise by another version costs a read and nothing else.
 * @returns 16 hex digits
 */
export function releaseHash(release: Release): string {
  const before = known.get(release);
  if (before !== undefined) return before;
  const text = `${specHash(release.container, release.config)} ${canonicalJson(release.container.limits)} ${canonicalJson(release.deploy)}`;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, HEX_LENGTH);
  known.set(release, hash);
  return hash;
}
