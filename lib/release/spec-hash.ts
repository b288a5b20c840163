import { createHash } from 'node:crypto';
import type { ContainerSpec } from '../documents/types';
import { takenFrom, type Config } from './config';

/** Raised when the same spec would hash otherwise. Containers made under an older version are compared by it. */
const VERSION = '2';
const HEX_LENGTH = 16;
const NO_LIMITS: ContainerSpec['limits'] = { nanoCpus: 0, memoryBytes: 0, pids: 0 };

/**
 * Hash of what needs a new container: all of the ContainerSpec but its limits, which Docker changes in place, the values
 * of config that it takes, and nothing of Berth's own defaults, so that an upgrade of Berth restarts nothing.
 * @param config as the instance has it (effectiveConfig)
 * @returns "<version>:<16 hex digits>", the label berth.spec
 */
export function specHash(container: ContainerSpec, config: Config = NO_CONFIG): string {
  const taken = takenFrom(config, container);
  const key = taken === NO_CONFIG ? '' : JSON.stringify(sortedPairs(taken));
  let hashes = known.get(container);
  if (hashes === undefined) known.set(container, (hashes = new Map<string, string>()));
  let found = hashes.get(key);
  if (found === undefined) {
    if (hashes.size >= MAX_KNOWN) hashes.clear();
    hashes.set(key, (found = hash(VERSION, { ...container, limits: NO_LIMITS }, taken)));
  }
  return found;
}

const NO_CONFIG: Config = {};
/** By what is taken of config. Containers are never changed, and are asked about with every plan. */
const known = new WeakMap<ContainerSpec, Map<string, string>>();
/** Each host may say something else: what is asked for at once. */
const MAX_KNOWN = 1000;

/**
 * Whether a container was made from a spec.
 * @param label berth.spec of the container, of this version or an older one
 * @param config as the instance has it (effectiveConfig)
 */
export function isMadeFrom(label: string, container: ContainerSpec, config: Config = {}): boolean {
  // Version 1 had the limits in it.
  return label === (label.startsWith('1:') ? hash('1', container, config) : specHash(container, config));
}

/** What a container is made from. A release is one, where its host's config says nothing of its own. */
export interface Made {
  readonly container: ContainerSpec;
  readonly config: Config;
  /** Containers of another count are made anew, whatever they say. */
  readonly redeploys?: number;
}

/** Whether one container serves for both; their limits may differ. */
export function sameContainer(a: Made, b: Made): boolean {
  if ((a.redeploys ?? 0) !== (b.redeploys ?? 0)) return false;
  return (
    (a.container === b.container && a.config === b.config) ||
    specHash(a.container, a.config) === specHash(b.container, b.config)
  );
}

function hash(version: string, container: ContainerSpec, config: Config): string {
  const text = canonical(container, takenFrom(config, container));
  return `${version}:${createHash('sha256').update(text).digest('hex').slice(0, HEX_LENGTH)}`;
}

function canonical(container: ContainerSpec, config: Config): string {
  // As lists of pairs, since an empty value in a map does count: A= is not the same as no A.
  const { environment, labels, annotations } = container;
  const maps = {
    environment: sortedPairs(environment),
    labels: sortedPairs(labels),
    annotations: sortedPairs(annotations),
    config: sortedPairs(config),
  };
  // As text, since none at all is not the same as 0.
  const memSwappiness = container.memSwappiness?.toString();
  return canonicalJson({ ...container, ...maps, memSwappiness });
}

/** JSON with sorted keys and without defaults, so that a field that is added to the proto later changes no hash. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(withoutDefaults(value)) ?? 'null';
}

function sortedPairs(map: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
}

function withoutDefaults(value: unknown): unknown {
  if (Array.isArray(value))
    return value.length === 0 ? undefined : value.map((item) => withoutDefaults(item) ?? neutral(item));
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
      .map(([key, inner]) => [key, withoutDefaults(inner)] as const)
      .filter(([, inner]) => inner !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return entries.length === 0 ? undefined : Object.fromEntries(entries);
  }
  return value === '' || value === 0 || value === false || value === undefined ? undefined : value;
}

/** An item of a list counts even when it is a default: ["", "a"] is not ["a"]. */
function neutral(item: unknown): unknown {
  return typeof item === 'object' ? {} : item;
}
