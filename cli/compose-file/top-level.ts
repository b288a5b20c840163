/** What a Compose file says beside its services. What Berth does not do is refused, and never dropped. */
import { nearestName } from '../../lib/nearest';
import { isMap, type Fields } from '../../lib/yaml/fields';
import { ComposeFileError, type Source, type Trouble } from './place';

const TOP_KEYS = ['services', 'name', 'version', 'volumes', 'networks', 'configs', 'secrets', 'include', 'models'];
const RESOLVES = '"docker compose config | berth apply -f -" resolves it';

/** @throws ComposeFileError with everything that is wrong */
export function checkTopLevel(content: Fields, source: Source): void {
  const troubles = [
    ...Object.keys(content).flatMap((key) => checkKey(key, content[key], source)),
    ...checkVolumes(content['volumes'], source),
    ...checkNetworks(content['networks'], source),
  ];
  const { services } = content;
  if (!isMap(services) || Object.keys(services).length === 0)
    troubles.push(() =>
      source.show(['services'], 'there is no service; write "services:" with one service at least [missing-key]'),
    );
  if (troubles.length > 0) throw new ComposeFileError(troubles);
}

/**
 * Compose's own rule for names of projects.
 * @param given what the command line or the environment says
 * @throws ComposeFileError
 */
export function projectName(given: string | undefined, folder: string, content: Fields, source: Source): string {
  const named = content['name'];
  if (given === undefined && (named === undefined || named === null))
    return (
      folder
        .toLowerCase()
        .replace(/[^a-z0-9_-]/g, '')
        .replace(/^[_-]+/, '') || 'default'
    );
  const name = given ?? (typeof named === 'number' ? String(named) : named);
  if (typeof name === 'string' && /^[a-z0-9][a-z0-9_-]*$/.test(name)) return name;
  const what = `${JSON.stringify(name)} is no name of a project; use a-z, 0-9, "_" and "-", beginning with a letter or digit [bad-name]`;
  throw new ComposeFileError([() => (given === undefined ? source.show(['name'], what) : what)]);
}

/**
 * What Docker calls the volumes that services call by their name in the file: the name that the file gives them,
 * or project_volume. Compose Specification, "Volumes".
 */
export function volumeNames(volumes: unknown, project: string): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(isMap(volumes) ? volumes : {}).map(([key, volume]) => {
      const name = isMap(volume) ? volume['name'] : undefined;
      return [key, typeof name === 'string' && name !== '' ? name : `${project}_${key}`];
    }),
  );
}

function checkKey(key: string, value: unknown, source: Source): readonly Trouble[] {
  if (key.startsWith('x-') || ['services', 'name', 'version', 'volumes', 'networks'].includes(key)) return [];
  const refuse = (what: string): readonly Trouble[] => [() => source.showKey([key], what)];
  if (!TOP_KEYS.includes(key)) {
    const nearest = nearestName(key, TOP_KEYS);
    const hint = nearest === undefined ? `there are ${TOP_KEYS.join(', ')}` : `did you mean "${nearest}"?`;
    return refuse(`no such key "${key}"; ${hint} [unknown-key]`);
  }
  if (isEmpty(value)) return [];
  if (key === 'include') return refuse(`include is not supported; ${RESOLVES} [unsupported-key]`);
  if (key === 'models') return refuse('models are not supported; AI models are not run by Berth [unsupported-key]');
  return refuse(`${key} are not supported yet; mount a file of the host as a volume [unsupported-key]`);
}

function checkVolumes(volumes: unknown, source: Source): readonly Trouble[] {
  if (isEmpty(volumes)) return [];
  if (!isMap(volumes)) return [() => source.show(['volumes'], 'a map of volumes is wanted [wrong-type]')];
  return Object.entries(volumes).flatMap(([name, volume]) => {
    if (isEmpty(volume)) return [];
    if (!isMap(volume)) return [() => source.show(['volumes', name], 'a map of settings is wanted [wrong-type]')];
    return Object.entries(volume).flatMap(([key, value]) => {
      if (key.startsWith('x-') || isEmpty(value) || (key === 'driver' && value === 'local')) return [];
      const path = ['volumes', name, key];
      if (key === 'name')
        return typeof value === 'string' ? [] : [() => source.show(path, 'text is wanted [wrong-type]')];
      if (key === 'external')
        return [
          () =>
            source.showKey(
              path,
              `external is not supported: Docker makes a volume where it is missing. To use it so, write "name: ${name}" instead [unsupported-key]`,
            ),
        ];
      const what = 'settings of volumes are not supported yet; create the volume on its host and name it';
      return [() => source.showKey(path, `${what} [unsupported-key]`)];
    });
  });
}

/** `docker compose config` writes out the default network, with its name. */
function checkNetworks(networks: unknown, source: Source): readonly Trouble[] {
  if (isEmpty(networks)) return [];
  if (!isMap(networks)) return [() => source.show(['networks'], 'a map of networks is wanted [wrong-type]')];
  const what = 'not supported yet; containers are on Docker’s bridge [unsupported-key]';
  return Object.entries(networks).flatMap(([name, network]) => {
    if (name.startsWith('x-')) return [];
    if (name !== 'default') return [() => source.showKey(['networks', name], `networks are ${what}`)];
    if (isEmpty(network)) return [];
    if (!isMap(network)) return [() => source.show(['networks', name], 'a map of settings is wanted [wrong-type]')];
    return Object.entries(network)
      .filter(([key, value]) => !(key === 'name' || isEmpty(value) || (key === 'driver' && value === 'bridge')))
      .map(
        ([key]) =>
          () =>
            source.showKey(['networks', name, key], `settings of networks are ${what}`),
      );
  });
}

/** Says nothing: null, false, {} or []. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
