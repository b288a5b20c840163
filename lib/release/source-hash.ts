import { createHash } from 'node:crypto';
import type { Release } from '../documents/types';
import type { Config } from './config';
import { canonicalJson, specHash } from './spec-hash';

/** Raised when the compiler or this says the same otherwise: releases with another version are compared by what they say. */
const VERSION = '1';
const HEX_LENGTH = 16;

export type Source = Pick<Release, 'container' | 'deploy'>;

/**
 * Hash of what a release is cut from.
 * @param source the compiled document; its image is not pinned yet
 * @param config values of every key that it takes
 * @returns "<version>:<16 hex digits>"
 */
export function sourceHash({ container, deploy }: Source, config: Config): string {
  // All of it, since the `before` job may take keys that the container does not.
  const values = Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = [specHash(container), ...[container.limits, deploy, values].map(canonicalJson)].join(' ');
  return `${VERSION}:${createHash('sha256').update(text).digest('hex').slice(0, HEX_LENGTH)}`;
}

/** Whether a hash can be compared with one of this version. */
export function isComparable(source: string): boolean {
  return source.startsWith(`${VERSION}:`);
}
