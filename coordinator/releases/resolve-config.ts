/** Pure: which values of the config layers a service and its instances have. docs/decisions/0015. */
import type { ContainerSpec, Problem, Release } from '../../lib/documents/types';
import { effectiveConfig, namedKeys, takenFrom, type Config } from '../../lib/release/config';
import { jobContainer } from '../../lib/release/job-container';
import { sameContainer } from '../../lib/release/spec-hash';
import type { ConfigUse } from '../compose/templates';
import type { ConfigLayer, ConfigLayers } from '../view';
import { checkFilled } from './check-filled';

/** A bound on the service's status; nobody mends more in one go. */
const MAX_PROBLEMS = 50;

export interface Resolved {
  /** Of every key that the service takes, sorted by key. */
  readonly values: Config;
  /** Why no release can be cut with them. */
  readonly problems: readonly Problem[];
}

export interface Taker extends Pick<Release, 'container' | 'deploy'> {
  /** Where it takes keys by name; those that are not here are told without a place. */
  readonly uses?: readonly ConfigUse[];
}

/** By name, or all of it. */
export function takesConfig(taker: Taker): boolean {
  return taker.container.configEnvironment || keysOf(taker).length > 0;
}

/** What the cluster's and the service's own layers say, the service's being the later one; and whether it makes sense. */
export function resolveConfig(taker: Taker, layers: ConfigLayers, service: string): Resolved {
  if (!takesConfig(taker)) return { values: {}, problems: [] };
  const named = keysOf(taker);
  const takesAll = taker.container.configEnvironment;
  const own = layers.services.get(service);
  const unreadable = [
    ...unreadableLayer('config/cluster', layers.cluster),
    ...unreadableLayer(`config/services/${service}`, own),
  ];
  const merged = new Map([...(layers.cluster?.values ?? []), ...(own?.values ?? [])]);
  const keys = takesAll ? [...merged.keys()] : named.filter((key) => merged.has(key));
  const values = Object.fromEntries(keys.sort().map((key) => [key, merged.get(key)!]));
  if (unreadable.length > 0) return { values, problems: unreadable };
  const missing = named.filter((key) => !merged.has(key));
  if (missing.length === 0) return { values, problems: checkFilled(taker, values) };
  return { values, problems: missing.slice(0, MAX_PROBLEMS).map((key) => describe(key, taker, layers, service)) };
}

/** By name, sorted; of the `before` job, too. */
function keysOf(taker: Taker): readonly string[] {
  const ofJob = taker.deploy.before === undefined ? [] : namedKeys(jobContainer(taker));
  return [...new Set([...namedKeys(taker.container), ...ofJob])].sort();
}

function unreadableLayer(key: string, layer: ConfigLayer | undefined): readonly Problem[] {
  if (layer === undefined || layer.values !== undefined) return [];
  const message = `the service takes config, and ${key} can not be read; mend it`;
  return [{ rule: 'unreadable-config', path: '', line: 0, column: 0, message, key: '' }];
}

function describe(key: string, { uses }: Taker, layers: ConfigLayers, service: string): Problem {
  const { path, line, column } = uses?.find((use) => use.key === key) ?? { path: '', line: 0, column: 0 };
  const host = [...layers.hosts].find(([, { values }]) => values?.has(key) === true)?.[0];
  const alone =
    host === undefined
      ? ''
      : `. config/hosts/${host} alone is not enough: an instance on another host would have no value`;
  const message = `{{.Config.${key}}} has no value; write ${key} to config/cluster or config/services/${service}${alone}`;
  return { rule: 'missing-config', path, line, column, message, key: '' };
}

/** One for all: most instances of a fleet have it. */
const NOTHING_OWN: Config = Object.freeze({});

/**
 * What a host's layer says of the keys that a container takes.
 * @param now what an instance there has: it stays so while the layer can't be read and never could
 */
export function hostConfig(container: ContainerSpec, layers: ConfigLayers, host: string, now: Config = {}): Config {
  const layer = layers.hosts.get(host);
  if (layer === undefined) return NOTHING_OWN;
  if (layer.values === undefined) return now;
  const taken = takenFrom(Object.fromEntries(layer.values), container);
  return Object.fromEntries(Object.entries(taken).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Whether an instance's container is as it would be made on its host now. */
export function isAsHostSays(
  release: Release,
  { host, config }: { readonly host: string; readonly config: Config },
  layers: ConfigLayers,
): boolean {
  const { container } = release;
  const wanted = hostConfig(container, layers, host, config);
  return sameContainer(
    { container, config: effectiveConfig(release.config, config) },
    { container, config: effectiveConfig(release.config, wanted) },
  );
}
