/** volumes and tmpfs of a service, in Compose's short and long form. */
import type { Mount } from '../../lib/documents/types';
import { isMap } from '../../lib/yaml/fields';
import { cleanPath } from './absolute-path';
import { parseBytes } from './bytes';
import { BIND_KEYS, TMPFS_KEYS, VOLUME_KEYS, VOLUME_OPTION_KEYS } from './keys';
import type { Parsed, Reader } from './read';

const EMPTY: Omit<Mount, 'type' | 'target'> = {
  source: '',
  readOnly: false,
  tmpfsSizeBytes: 0,
  tmpfsMode: 0,
  noCopy: false,
  createHostPath: false,
  propagation: '',
  nonRecursive: false,
  volumeDriver: '',
  volumeDriverOptions: {},
  volumeLabels: {},
  volumeSubpath: '',
};

export function readMounts(volumes: Reader, tmpfs: Reader): readonly Mount[] {
  const mounts: Mount[] = [];
  const targets = new Set<string>();
  const take = (item: Reader, read: readonly Mount[]): void => {
    for (const mount of read) {
      const target = cleanPath(mount.target);
      if (targets.has(target)) item.bad(`a second mount at ${target}; one of both is enough`);
      targets.add(target);
      mounts.push(mount);
    }
  };
  for (const item of volumes.items()) take(item, isMap(item.value) ? readLong(item) : readShort(item));
  for (const item of typeof tmpfs.value === 'string' ? [tmpfs] : tmpfs.items()) take(item, readTmpfs(item));
  return mounts;
}

/** [SOURCE:]TARGET[:MODE] */
function readShort(reader: Reader): readonly Mount[] {
  const text = reader.text();
  if (text === undefined)
    return reader.isSet ? [] : (reader.wrong('write "/data", "name:/data" or "/host:/data:ro"') ?? []);
  const parts = text.split(':');
  const [source, target, mode] = parts.length === 1 ? ['', parts[0]!, undefined] : parts;
  if (parts.length > 3 || target === undefined)
    return reader.bad(`"${text}" is no volume; write "/data", "name:/data" or "/host:/data:ro"`) ?? [];
  const options = mode === undefined ? [] : mode.split(',');
  const unknown = options.find((option) => !['ro', 'rw', 'nocopy'].includes(option));
  if (unknown !== undefined)
    return reader.bad(`"${unknown}" is no option of a volume here; ro, rw and nocopy are`) ?? [];
  const isBind = /^[./~]/.test(source);
  if (!checkTarget(reader, target) || !checkSource(reader, isBind ? 'bind' : 'volume', source)) return [];
  return [
    {
      ...EMPTY,
      type: isBind ? 'bind' : 'volume',
      source: source,
      target,
      readOnly: options.includes('ro'),
      noCopy: options.includes('nocopy'),
    },
  ];
}

function readLong(reader: Reader): readonly Mount[] {
  const fields = reader.fields(VOLUME_KEYS);
  if (fields === undefined) return [];
  for (const key of ['type', 'target']) if (!fields.at(key).isSet) fields.missing(key, `${key} is missing`);
  const type = fields.at('type').oneOf(['volume', 'bind', 'tmpfs']);
  const target = fields.at('target').text();
  const source = fields.at('source').text() ?? '';
  const readOnly = fields.at('read_only').bool() ?? false;
  const bind = fields.at('bind').fields(BIND_KEYS);
  const volume = fields.at('volume').fields(VOLUME_OPTION_KEYS);
  const tmpfs = fields.at('tmpfs').fields(TMPFS_KEYS);
  if (type === undefined || target === undefined) return [];
  for (const [options, of] of [
    [bind, 'bind'],
    [volume, 'volume'],
    [tmpfs, 'tmpfs'],
  ] as const)
    if (options !== undefined && of !== type) options.bad(`options of a ${of}, but the mount is a ${type}`);
  if (type === 'tmpfs' && source !== '') fields.at('source').bad('a tmpfs has no source');
  if (type === 'bind' && source === '') fields.missing('source', 'source is missing: the path on the host');
  if (
    !checkTarget(fields.at('target'), target) ||
    (type !== 'tmpfs' && source !== '' && !checkSource(fields.at('source'), type, source))
  )
    return [];
  return [
    {
      ...{ ...EMPTY, type, source, target, readOnly },
      tmpfsSizeBytes: tmpfs?.at('size').parse(parseBytes) ?? 0,
      tmpfsMode: tmpfs?.at('mode').parse(parseMode) ?? 0,
      noCopy: volume?.at('nocopy').bool() ?? false,
      createHostPath: bind?.at('create_host_path').bool() ?? false,
    },
  ];
}

function readTmpfs(reader: Reader): readonly Mount[] {
  const [target = '', ...rest] = (reader.text() ?? '').split(':');
  if (!reader.isSet) return reader.wrong('a path inside the container is wanted') ?? [];
  if (!checkTarget(reader, target)) return [];
  const options = rest
    .join(':')
    .split(',')
    .filter((option) => option !== '');
  let mount: Mount = { ...EMPTY, type: 'tmpfs', target };
  for (const option of options) {
    const [name, value = ''] = option.split('=');
    const size = name === 'size' ? parseBytes(value) : undefined;
    if (typeof size === 'number') mount = { ...mount, tmpfsSizeBytes: size };
    else if (name === 'mode' && /^[0-7]{3,4}$/.test(value)) mount = { ...mount, tmpfsMode: parseInt(value, 8) };
    else if (option === 'ro') mount = { ...mount, readOnly: true };
    else if (option !== 'rw')
      return reader.bad(`"${option}" is no option of a tmpfs here; size=64m, mode=1777, ro and rw are`) ?? [];
  }
  return [mount];
}

/** 0700 or 0o700, as people write it; a plain number, as `docker compose config` does, is decimal. */
function parseMode(text: string): Parsed<number> {
  const octal = /^0o?([0-7]+)$/.exec(text)?.[1];
  const mode = octal !== undefined ? parseInt(octal, 8) : /^\d+$/.test(text) ? Number(text) : NaN;
  return mode <= 0o7777 ? mode : { problem: `"${text}" is no file mode; write 0700 or 01777` };
}

function checkTarget(reader: Reader, target: string): boolean {
  if (target.startsWith('/') && cleanPath(target) !== '/') return true;
  reader.bad(`"${target}" is no place to mount at; an absolute path inside the container other than / is wanted`);
  return false;
}

function checkSource(reader: Reader, type: string, source: string): boolean {
  const parsed = type === 'bind' ? parseHostPath(source) : parseVolumeName(source);
  if (typeof parsed === 'string') return true;
  reader.bad(parsed.problem);
  return false;
}

function parseHostPath(text: string): Parsed<string> {
  if (text.startsWith('/')) return text;
  return {
    problem: `"${text}" is relative, but there is no folder that it could be relative to on every host; write an absolute path`,
  };
}

/** Docker's own rule for names of volumes. */
function parseVolumeName(text: string): Parsed<string> {
  if (text === '' || /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(text)) return text;
  return { problem: `"${text}" is no name of a volume; use letters, digits, "_", "." and "-", two at least` };
}
