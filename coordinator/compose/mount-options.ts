/** What of a mount is looked up elsewhere than where it stands: the rules for its parts, and x-berth.volumes. */
import { isMap } from '../../lib/yaml/fields';
import type { Mount } from '../../lib/documents/types';
import { BERTH_VOLUME_KEYS } from './berth-keys';
import type { Parsed, Reader } from './read';

export const PROPAGATIONS = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'] as const;

export type VolumeSettings = Pick<Mount, 'volumeDriver' | 'volumeDriverOptions' | 'volumeLabels' | 'volumeExternal'>;

/** x-berth.volumes: by the names by which mounts name volumes. */
export function readVolumeSettings(reader: Reader | undefined): ReadonlyMap<string, VolumeSettings> {
  if (reader === undefined || !reader.isSet) return new Map();
  if (!isMap(reader.value)) {
    reader.wrong('a map of volumes is wanted');
    return new Map();
  }
  return new Map(Object.keys(reader.value).flatMap((name) => readOne(name, reader.at(name))));
}

function readOne(name: string, at: Reader): readonly (readonly [string, VolumeSettings])[] {
  const fields = at.fields(BERTH_VOLUME_KEYS);
  if (fields === undefined) return [];
  const volumeExternal = fields.at('external').bool() ?? false;
  const settings = {
    volumeDriver: fields.at('driver').parse(parseDriver) ?? '',
    volumeDriverOptions: fields.at('driver_opts').textMap({ noValue: 'empty' }),
    volumeLabels: fields.at('labels').textMap({ noValue: 'empty', refuse: refuseLabel }),
    volumeExternal,
  };
  const other = ['driver', 'driver_opts', 'labels'].find((key) => fields.at(key).isSet);
  if (volumeExternal && other !== undefined)
    fields.at(other).bad('an external volume is as somebody else made it; leave this out');
  return [[name, settings]];
}

function parseDriver(text: string): Parsed<string> {
  return text === '' || /^[a-zA-Z0-9][\w./:-]*$/.test(text)
    ? text
    : { problem: `"${text}" is no driver of volumes; write local, or the name of a plugin` };
}

export function refuseLabel(name: string): string | undefined {
  return name.startsWith('berth.')
    ? `the label "${name}" is Berth's own; names that begin with "berth." are taken`
    : undefined;
}

export function parseHostPath(text: string): Parsed<string> {
  if (text.startsWith('/')) return text;
  return {
    problem: `"${text}" is relative, but there is no folder that it could be relative to on every host; write an absolute path`,
  };
}

/** Docker's own rule for names of volumes. */
export function parseVolumeName(text: string): Parsed<string> {
  if (text === '' || /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(text)) return text;
  return { problem: `"${text}" is no name of a volume; use letters, digits, "_", "." and "-", two at least` };
}

/** Below the root of the volume. */
export function parseSubpath(text: string): Parsed<string> {
  const isBelow = text !== '' && !text.startsWith('/') && !text.split('/').includes('..');
  return isBelow ? text : { problem: `"${text}" is no folder in the volume; write a relative path without ".."` };
}

/** 0700 or 0o700, as people write it; a plain number, as `docker compose config` does, is decimal. */
export function parseMode(text: string): Parsed<number> {
  const octal = /^0o?([0-7]+)$/.exec(text)?.[1];
  const mode = octal !== undefined ? parseInt(octal, 8) : /^\d+$/.test(text) ? Number(text) : NaN;
  return mode <= 0o7777 ? mode : { problem: `"${text}" is no file mode; write 0700 or 01777` };
}
