/** The networks of a Compose file: they have to exist on the hosts, and services get what Docker calls them. */
import { FILE_NETWORK_KEYS } from '../../lib/compose/file-keys';
import { isMap, type Fields } from '../../lib/yaml/fields';
import type { Path } from '../../lib/yaml/places';
import type { Source, Trouble } from './place';
import { isEmpty, unsupportedKey } from './top-level';

const DEFAULT = 'default';
const DOCKER_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/** What is wrong with the section. */
export function checkNetworks(networks: unknown, source: Source): readonly Trouble[] {
  if (isEmpty(networks)) return [];
  if (!isMap(networks)) return [() => source.show(['networks'], 'a map of networks is wanted [wrong-type]')];
  return Object.entries(networks).flatMap(([name, network]) =>
    name.startsWith('x-') ? [] : checkNetwork(name, network, source),
  );
}

function checkNetwork(name: string, network: unknown, source: Source): readonly Trouble[] {
  const path = ['networks', name];
  if (!isEmpty(network) && !isMap(network))
    return [() => source.show(path, 'a map of settings is wanted [wrong-type]')];
  const settings: Fields = isMap(network) ? network : {};
  const { external, name: given } = settings;
  const troubles: Trouble[] = [];
  for (const [key, value] of Object.entries(settings)) {
    // `docker compose config` writes out what it would make the default network with.
    if (key.startsWith('x-') || isEmpty(value) || (name === DEFAULT && key === 'driver' && value === 'bridge'))
      continue;
    const refusal = unsupportedKey(FILE_NETWORK_KEYS, key);
    if (refusal !== undefined) troubles.push(() => source.showKey([...path, key], refusal));
  }
  if (!isEmpty(given) && (typeof given !== 'string' || !DOCKER_NAME.test(given)))
    troubles.push(() => source.show([...path, 'name'], 'a name of a network is wanted [wrong-type]'));
  if (isMap(external))
    troubles.push(() =>
      source.show([...path, 'external'], 'write "external: true", and the name beside it: "name: …" [wrong-type]'),
    );
  else if (!isEmpty(external) && !isTrue(external))
    troubles.push(() => source.show([...path, 'external'], 'true or false is wanted [wrong-type]'));
  else if (!isTrue(external) && name !== DEFAULT) {
    const what = typeof given === 'string' && given !== '' ? given : name;
    troubles.push(() =>
      source.showKey(
        path,
        `Berth makes no networks; create it on its hosts, "docker network create ${what}", and say external: true [unsupported-key]`,
      ),
    );
  }
  return troubles;
}

function isTrue(value: unknown): boolean {
  return value === true || value === 'true';
}

/** What Docker calls the networks of the file. Docker's own bridge, for those that name none, is not among them. */
export function networkNames(networks: unknown): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(isMap(networks) ? networks : {}).flatMap(([key, network]) => {
      if (!isMap(network) || !isTrue(network['external'])) return [];
      const { name } = network;
      return [[key, typeof name === 'string' && name !== '' ? name : key] as const];
    }),
  );
}

export interface ResolvedNetworks {
  /** As the service has them; undefined when it has none. */
  readonly networks: unknown;
  /** What the coordinator calls a network → what the file does. */
  readonly renamed: ReadonlyMap<string, string>;
}

/** @param refuse told of what is not in the file, with its place in the service */
export function resolveNetworks(
  service: Fields,
  names: ReadonlyMap<string, string>,
  refuse: (path: Path, what: string) => void,
): ResolvedNetworks {
  const { networks, network_mode: mode } = service;
  const renamed = new Map<string, string>();
  const named = (key: string, path: Path): string => {
    const found = names.get(key);
    if (found === undefined && key !== DEFAULT)
      refuse(
        path,
        `there is no network "${key}" in this file; write "networks: { ${key}: { external: true } }" at its end, and create it on its hosts [unknown-network]`,
      );
    if (found !== undefined) renamed.set(found, key);
    return found ?? key;
  };
  if (Array.isArray(networks)) {
    const resolved = networks.map((key: unknown, index) =>
      typeof key === 'string' ? named(key, ['networks', index]) : key,
    );
    return { networks: resolved, renamed };
  }
  if (isMap(networks)) {
    const entries = Object.entries(networks).map(([key, value]) => [named(key, ['networks', key]), value]);
    return { networks: Object.fromEntries(entries), renamed };
  }
  // Whoever names no network is on the default one, which the file may have as one of the host's.
  const own = isEmpty(networks) && isEmpty(mode) ? names.get(DEFAULT) : undefined;
  return { networks: own === undefined ? networks : [own], renamed };
}
