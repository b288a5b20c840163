/** Devices of the host in a container: devices, device_cgroup_rules, gpus, deploy.resources.reservations.devices. */
import type { ContainerSpec } from '../../lib/documents/types';
import { isMap } from '../../lib/yaml/fields';
import { DEVICE_KEYS } from './container-keys';
import { DEVICE_REQUEST_KEYS } from './deploy-keys';
import type { Parsed, Reader } from './read';

type Device = ContainerSpec['devices'][number];
type DeviceRequest = ContainerSpec['deviceRequests'][number];

const ALL = -1;
const MAX_COUNT = 1024;
/** Container Device Interface, "vendor.com/class=name". */
const CDI = /^[a-zA-Z0-9][\w.-]*\/[a-zA-Z0-9][\w-]*=[a-zA-Z0-9][\w.:-]*$/;
const FORM = 'write /dev/x, /dev/x:/dev/y or /dev/x:/dev/y:r';

export function readDevices(
  service: Reader,
  reserved: Reader | undefined,
): Pick<ContainerSpec, 'devices' | 'deviceCgroupRules' | 'deviceRequests'> {
  const devices: Device[] = [];
  const cdi: string[] = [];
  for (const item of service.at('devices').items()) {
    if (typeof item.value === 'string' && CDI.test(item.value)) cdi.push(item.value);
    else devices.push(...(isMap(item.value) ? readLong(item) : readShort(item)));
  }
  return {
    devices,
    deviceCgroupRules: service.at('device_cgroup_rules').parsedTexts(parseRule),
    deviceRequests: [
      ...readGpus(service.at('gpus')),
      ...(reserved?.at('devices').items() ?? []).flatMap((item) => readRequest(item, [])),
      ...(cdi.length > 0 ? [{ driver: 'cdi', count: 0, ids: cdi, capabilities: [], options: {} }] : []),
    ],
  };
}

function readShort(item: Reader): readonly Device[] {
  if (!item.isSet) item.wrong(FORM);
  const device = item.parse(parseDevice);
  return device === undefined ? [] : [device];
}

/** HOST[:CONTAINER[:PERMISSIONS]] */
function parseDevice(text: string): Parsed<Device> {
  const [source = '', second, third, ...more] = text.split(':');
  // As Docker has it: /dev/x:r is a device with permissions.
  const isShort = third === undefined && second !== undefined && !second.startsWith('/') && isPermissions(second);
  const [target, permissions] = isShort ? [source, second] : [second ?? source, third ?? 'rwm'];
  if (more.length === 0 && isPath(source) && isPath(target) && isPermissions(permissions))
    return { source, target, permissions };
  return { problem: `"${text}" is no device; ${FORM}` };
}

function readLong(item: Reader): readonly Device[] {
  const fields = item.fields(DEVICE_KEYS);
  if (fields === undefined) return [];
  if (!fields.at('source').isSet) fields.missing('source', 'source is missing: the device on the host');
  const path = (key: string): string | undefined =>
    fields
      .at(key)
      .parse((text): Parsed<string> => (isPath(text) ? text : { problem: `"${text}" is no absolute path` }));
  const source = path('source');
  const permissions = fields
    .at('permissions')
    .parse((text): Parsed<string> =>
      isPermissions(text) ? text : { problem: `"${text}": write r, w and m, each once at most` },
    );
  if (source === undefined) return [];
  return [{ source, target: path('target') ?? source, permissions: permissions ?? 'rwm' }];
}

function isPath(text: string): boolean {
  return /^\/[^:]*$/.test(text);
}

function isPermissions(text: string): boolean {
  return /^[rwm]{1,3}$/.test(text) && new Set(text).size === text.length;
}

/** Linux, Documentation/admin-guide/cgroup-v1/devices.rst */
function parseRule(text: string): Parsed<string> {
  return /^[acb] (?:\d+|\*):(?:\d+|\*) [rwm]{1,3}$/.test(text)
    ? text
    : { problem: `"${text}" is no rule; write TYPE MAJOR:MINOR ACCESS: "c 1:3 mr", "a 7:* rmw"` };
}

function readGpus(reader: Reader): readonly DeviceRequest[] {
  if (Array.isArray(reader.value)) return reader.items().flatMap((item) => readRequest(item, ['gpu']));
  const text = reader.oneOf(['all']);
  return text === undefined ? [] : [{ driver: '', count: ALL, ids: [], capabilities: ['gpu'], options: {} }];
}

/** @param implied capabilities that need not be named */
function readRequest(item: Reader, implied: readonly string[]): readonly DeviceRequest[] {
  const fields = item.fields(DEVICE_REQUEST_KEYS);
  if (fields === undefined) {
    if (!item.isSet) item.wrong('a map of settings is wanted');
    return [];
  }
  const capabilities = new Set([...implied, ...fields.at('capabilities').texts()]);
  if (capabilities.size === 0)
    fields.missing('capabilities', 'capabilities is missing: what the device has to offer, e.g. [gpu]');
  const ids = fields.at('device_ids').texts();
  const count = fields.at('count');
  if (count.isSet && ids.length > 0) count.bad('count and device_ids exclude each other; leave one out');
  const wanted = count.value === 'all' ? ALL : count.integer(1, MAX_COUNT);
  return [
    {
      driver: fields.at('driver').text() ?? '',
      count: ids.length > 0 ? 0 : (wanted ?? ALL),
      ids,
      capabilities: [...capabilities],
      options: fields.at('options').textMap({ noValue: 'empty' }),
    },
  ];
}
