/** The volumes of a Compose file: services get what Docker calls them, and under x-berth.volumes how they are made. */
import { FILE_VOLUME_KEYS } from '../../lib/compose/file-keys';
import { isMap } from '../../lib/yaml/fields';
import type { Source, Trouble } from './place';
import { isEmpty, unsupportedKey } from './top-level';

/** Keys that say how a volume is made. */
const SETTINGS = ['driver', 'driver_opts', 'labels'] as const;

export interface FileVolume {
  /** What Docker calls it. Compose Specification, "Volumes". */
  readonly name: string;
  /** As under x-berth.volumes; undefined when there are none. */
  readonly settings: Readonly<Record<string, unknown>> | undefined;
}

export function checkVolumes(volumes: unknown, source: Source): readonly Trouble[] {
  if (isEmpty(volumes)) return [];
  if (!isMap(volumes)) return [() => source.show(['volumes'], 'a map of volumes is wanted [wrong-type]')];
  return Object.entries(volumes).flatMap(([name, volume]) => checkVolume(name, volume, source));
}

/** Values of settings are left for the coordinator to check. */
function checkVolume(name: string, volume: unknown, source: Source): readonly Trouble[] {
  const path = ['volumes', name];
  if (isEmpty(volume)) return [];
  if (!isMap(volume)) return [() => source.show(path, 'a map of settings is wanted [wrong-type]')];
  return Object.entries(volume).flatMap(([key, value]): readonly Trouble[] => {
    if (key.startsWith('x-') || isEmpty(value)) return [];
    const at = [...path, key];
    const refusal = unsupportedKey(FILE_VOLUME_KEYS, key);
    if (refusal !== undefined) return [() => source.showKey(at, refusal)];
    if (key === 'name' && typeof value !== 'string') return [() => source.show(at, 'text is wanted [wrong-type]')];
    if (key !== 'external') return [];
    if (isMap(value))
      return [() => source.show(at, 'write "external: true", and the name beside it: "name: …" [wrong-type]')];
    if (value !== true && value !== 'true') return [() => source.show(at, 'true or false is wanted [wrong-type]')];
    const other = SETTINGS.find((setting) => !isEmpty(volume[setting]));
    return other === undefined
      ? []
      : [
          () =>
            source.showKey(
              [...path, other],
              `an external volume is as somebody else made it; leave this out [bad-value]`,
            ),
        ];
  });
}

/** By their keys in the file. */
export function fileVolumes(volumes: unknown, project: string): ReadonlyMap<string, FileVolume> {
  return new Map(
    Object.entries(isMap(volumes) ? volumes : {}).map(([key, volume]) => {
      const fields = isMap(volume) ? volume : {};
      const { name, external } = fields;
      const isExternal = external === true || external === 'true';
      const own = typeof name === 'string' && name !== '' ? name : undefined;
      const given = SETTINGS.filter((setting) => !isEmpty(fields[setting]));
      const settings: Readonly<Record<string, unknown>> = {
        ...Object.fromEntries(given.map((setting) => [setting, fields[setting]])),
        ...(isExternal && { external: true }),
      };
      // The driver that Docker takes anyhow says nothing.
      const isPlain = Object.entries(settings).every(([setting, value]) => setting === 'driver' && value === 'local');
      return [key, { name: own ?? (isExternal ? key : `${project}_${key}`), settings: isPlain ? undefined : settings }];
    }),
  );
}
