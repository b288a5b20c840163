/** volumes and tmpfs of a service, in Compose's short and long form. */
import type { Mount } from '../../lib/documents/types';
import { isMap } from '../../lib/yaml/fields';
import { cleanPath } from './absolute-path';
import { parseBytes } from './bytes';
import { BIND_KEYS, TMPFS_KEYS, VOLUME_KEYS, VOLUME_OPTION_KEYS } from './container-keys';
import { parseHostPath, parseMode, parseSubpath, parseVolumeName, PROPAGATIONS } from './mount-options';
import { readVolumeSettings, refuseLabel, type VolumeSettings } from './mount-options';
import type { Braces, Parsed, Reader } from './read';

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
  volumeExternal: false,
};

/** @param braces what {{ }} are in sources, targets and settings of volumes */
export function readMounts(service: Reader, braces: Braces): readonly Mount[] {
  const mounts: Mount[] = [];
  const targets = new Set<string>();
  const settings = service.at('x-berth').at('volumes');
  const known = readVolumeSettings(settings.withBraces(braces));
  const take = (item: Reader, read: readonly Mount[]): void => {
    for (const mount of read) {
      const target = cleanPath(mount.target);
      if (targets.has(target)) item.bad(`a second mount at ${target}; one of both is enough`);
      targets.add(target);
      mounts.push(withSettings(mount, known));
    }
  };
  for (const item of service.at('volumes').withBraces(braces).items())
    take(item, isMap(item.value) ? readLong(item) : readShort(item));
  const tmpfs = service.at('tmpfs');
  for (const item of typeof tmpfs.value === 'string' ? [tmpfs] : tmpfs.items()) take(item, readTmpfs(item));
  const used = new Set(mounts.filter(({ type }) => type === 'volume').map(({ source }) => source));
  for (const name of known.keys())
    if (!used.has(name))
      settings.problems.addKey('bad-value', settings.at(name).path, `no mount of the service is of a volume "${name}"`);
  return mounts;
}

function withSettings(mount: Mount, known: ReadonlyMap<string, VolumeSettings>): Mount {
  const settings = mount.type === 'volume' ? known.get(mount.source) : undefined;
  if (settings === undefined) return mount;
  return { ...mount, ...settings, volumeLabels: { ...settings.volumeLabels, ...mount.volumeLabels } };
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
  const isBind = /^[./~]/.test(source);
  const possible = ['ro', 'rw', ...(isBind ? PROPAGATIONS : ['nocopy'])];
  const unknown = options.find((option) => !possible.includes(option));
  if (unknown !== undefined)
    return (
      reader.bad(
        `"${unknown}" is no option of a ${isBind ? 'bind mount' : 'volume'} here; ${possible.join(', ')} are`,
      ) ?? []
    );
  const type = isBind ? 'bind' : 'volume';
  if (!isGood(reader, target, parseTarget) || !isGood(reader, source, sourceParser(type))) return [];
  return [
    {
      ...{ ...EMPTY, type, source, target },
      readOnly: options.includes('ro'),
      noCopy: options.includes('nocopy'),
      propagation: PROPAGATIONS.find((one) => options.includes(one)) ?? '',
    },
  ];
}

function readLong(reader: Reader): readonly Mount[] {
  const fields = reader.withBraces('refused').fields(VOLUME_KEYS);
  if (fields === undefined) return [];
  for (const key of ['type', 'target']) if (!fields.at(key).isSet) fields.missing(key, `${key} is missing`);
  const type = fields.at('type').oneOf(['volume', 'bind', 'tmpfs']);
  const target = reader.at('target').template(parseTarget);
  const isSource = type !== undefined && type !== 'tmpfs';
  const source = reader.at('source').template((text) => (isSource ? sourceParser(type)(text) : text)) ?? '';
  const readOnly = fields.at('read_only').bool() ?? false;
  if (type === undefined || target === undefined) return [];
  const options = readOptions(fields, reader.at('volume'), type);
  if (type === 'tmpfs' && source !== '') fields.at('source').bad('a tmpfs has no source');
  if (type === 'bind' && !fields.at('source').isSet)
    fields.missing('source', 'source is missing: the path on the host');
  return [{ ...{ ...EMPTY, type, source, target, readOnly }, ...options }];
}

/** @param templates the options of a volume, in which there may be placeholders */
function readOptions(fields: Reader, templates: Reader, type: string): Partial<Mount> {
  const bind = fields.at('bind').fields(BIND_KEYS);
  const volume = fields.at('volume').fields(VOLUME_OPTION_KEYS);
  const tmpfs = fields.at('tmpfs').fields(TMPFS_KEYS);
  for (const [options, of] of [
    [bind, 'bind'],
    [volume, 'volume'],
    [tmpfs, 'tmpfs'],
  ] as const)
    if (options !== undefined && of !== type) options.bad(`options of a ${of}, but the mount is a ${type}`);
  const createHostPath = bind?.at('create_host_path').bool() ?? false;
  const nonRecursive = bind?.at('recursive').parse(parseRecursive) ?? false;
  if (createHostPath && nonRecursive)
    bind?.at('recursive').bad('Docker can not create the source of such a mount; leave create_host_path out');
  return {
    tmpfsSizeBytes: tmpfs?.at('size').parse(parseBytes) ?? 0,
    tmpfsMode: tmpfs?.at('mode').parse(parseMode) ?? 0,
    noCopy: volume?.at('nocopy').bool() ?? false,
    ...{ createHostPath, nonRecursive },
    propagation: bind?.at('propagation').oneOf(PROPAGATIONS) ?? '',
    volumeLabels: volume === undefined ? {} : templates.at('labels').textMap({ noValue: 'empty', refuse: refuseLabel }),
    volumeSubpath: volume?.at('subpath').parse(parseSubpath) ?? '',
  };
}

/** @returns whether what is mounted below the source is left out */
function parseRecursive(text: string): Parsed<boolean> {
  if (text === 'enabled' || text === 'disabled') return text === 'disabled';
  return {
    problem: `"${text}" is neither enabled nor disabled; below a read-only mount Docker 25 and newer make all read-only that can be`,
  };
}

function readTmpfs(item: Reader): readonly Mount[] {
  const [target = '', ...rest] = (item.text() ?? '').split(':');
  if (!item.isSet) return item.wrong('a path inside the container is wanted') ?? [];
  if (!isGood(item, target, parseTarget)) return [];
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
      return item.bad(`"${option}" is no option of a tmpfs here; size=64m, mode=1777, ro and rw are`) ?? [];
  }
  return [mount];
}

function sourceParser(type: string): (text: string) => Parsed<string> {
  return type === 'bind' ? parseHostPath : parseVolumeName;
}

export function parseTarget(text: string): Parsed<string> {
  if (text.startsWith('/') && cleanPath(text) !== '/') return text;
  return {
    problem: `"${text}" is no place to mount at; an absolute path inside the container other than / is wanted`,
  };
}

/** Whether a part of the reader's text is right, with its placeholders filled in. */
function isGood(reader: Reader, part: string, parse: (text: string) => Parsed<string>): boolean {
  const parsed = reader.judge(part, parse);
  if (typeof parsed === 'string') return true;
  reader.bad(parsed.problem);
  return false;
}
