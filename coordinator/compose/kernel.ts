/** What the kernel is told about a container: weights, memory, sysctls, block I/O. */
import type { ContainerSpec } from '../../lib/documents/types';
import { parseBytes } from './bytes';
import { BLOCK_IO_KEYS, DEVICE_RATE_KEYS, DEVICE_WEIGHT_KEYS } from './container-keys';
import type { Parsed, Reader } from './read';

type BlockIo = NonNullable<ContainerSpec['blockIo']>;
type DeviceRate = BlockIo['readBps'][number];
type Kernel = Pick<
  ContainerSpec,
  'shmSizeBytes' | 'sysctls' | 'cgroupParent' | 'oomScoreAdj' | 'memSwappiness' | 'cpuset' | 'cpuShares' | 'blockIo'
>;

/** The kernel's own bounds. */
const [MIN_SHARES, MAX_SHARES] = [2, 262_144];
/** Docker's. */
const [MIN_WEIGHT, MAX_WEIGHT] = [10, 1000];
/** Of namespaces that every container has of its own; runc takes no others. */
const SYSCTL =
  /^(?:net\..+|fs\.mqueue\..+|kernel\.(?:msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced|domainname))$/;

export function readKernel(service: Reader): Kernel {
  const memSwappiness = service.at('mem_swappiness').integer(0, 100);
  const blockIo = readBlockIo(service.at('blkio_config'));
  return {
    shmSizeBytes: readSize(service.at('shm_size')),
    sysctls: readSysctls(service),
    cgroupParent: service.at('cgroup_parent').parse(parseCgroup) ?? '',
    oomScoreAdj: service.at('oom_score_adj').integer(-1000, 1000) ?? 0,
    ...(memSwappiness !== undefined && { memSwappiness }),
    cpuset: service.at('cpuset').parse(parseCpuset) ?? '',
    cpuShares: service.at('cpu_shares').integer(MIN_SHARES, MAX_SHARES) ?? 0,
    ...(blockIo !== undefined && { blockIo }),
  };
}

function readSize(reader: Reader): number {
  const bytes = reader.parse(parseBytes);
  if (bytes === 0) reader.outOfRange('nothing is too little; write 64m, 1g');
  return bytes ?? 0;
}

function readSysctls(service: Reader): Readonly<Record<string, string>> {
  const isIn = (key: string, mode: string): boolean => service.at(key).value === mode;
  return service.at('sysctls').textMap({
    noValue: 'write name=value',
    refuse: (name) => {
      if (!SYSCTL.test(name))
        return `"${name}" is the host's, not a container's own; set it on the host (net.*, fs.mqueue.* and kernel.sem, msg*, shm* can be set here)`;
      if (name.startsWith('net.') && isIn('network_mode', 'host'))
        return `with network_mode: host "${name}" is the host's; set it there`;
      if (/^(?:kernel\.(?!domainname)|fs\.)/.test(name) && isIn('ipc', 'host'))
        return `with ipc: host "${name}" is the host's; set it there`;
      return undefined;
    },
  });
}

function parseCgroup(text: string): Parsed<string> {
  return /^\/?[\w.@:-]+(?:\/[\w.@:-]+)*$/.test(text) && !text.split('/').includes('..')
    ? text
    : { problem: `"${text}" is no cgroup; write /name, or name.slice where Docker uses systemd` };
}

function parseCpuset(text: string): Parsed<string> {
  const isRange = (part: string): boolean => {
    const [, first, last] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? [];
    return first !== undefined && Number(last ?? first) >= Number(first);
  };
  return text.split(',').every(isRange) ? text : { problem: `"${text}" names no CPUs; write "0-3" or "0,2"` };
}

function readBlockIo(reader: Reader): BlockIo | undefined {
  const fields = reader.fields(BLOCK_IO_KEYS);
  if (fields === undefined) return undefined;
  const rates = (key: string, read: (item: Reader) => number | undefined): readonly DeviceRate[] =>
    fields
      .at(key)
      .items()
      .flatMap((item) => readRate(item.fields(DEVICE_RATE_KEYS), 'rate', read));
  return {
    weight: fields.at('weight').integer(MIN_WEIGHT, MAX_WEIGHT) ?? 0,
    weightDevice: fields
      .at('weight_device')
      .items()
      .flatMap((item) =>
        readRate(item.fields(DEVICE_WEIGHT_KEYS), 'weight', (weight) => weight.integer(MIN_WEIGHT, MAX_WEIGHT)),
      ),
    readBps: rates('device_read_bps', (rate) => rate.parse(parseBytes)),
    writeBps: rates('device_write_bps', (rate) => rate.parse(parseBytes)),
    readIops: rates('device_read_iops', (rate) => rate.integer(1, Number.MAX_SAFE_INTEGER)),
    writeIops: rates('device_write_iops', (rate) => rate.integer(1, Number.MAX_SAFE_INTEGER)),
  };
}

function readRate(
  fields: Reader | undefined,
  key: string,
  read: (item: Reader) => number | undefined,
): readonly DeviceRate[] {
  if (fields === undefined) return [];
  for (const one of ['path', key]) if (!fields.at(one).isSet) fields.missing(one, `${one} is missing`);
  const path = fields
    .at('path')
    .parse((text): Parsed<string> =>
      text.startsWith('/') ? text : { problem: `"${text}" is no absolute path of a device` },
    );
  const rate = read(fields.at(key));
  return path === undefined || rate === undefined ? [] : [{ path, rate }];
}
