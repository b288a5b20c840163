/** Pure: what a container gets of its host, in Docker's terms (API 1.41 and newer). */
import type { HostConfig } from 'dockerode';
import type { ContainerSpec, Logging, PublishedPort } from '../../../lib/documents/types';
import type { AppliedLimits } from '../../plan/types';
import { networkMode } from './container-networks';
import { mountSettings } from './mount-settings';

/** What the types of dockerode leave out. */
type WholeHostConfig = HostConfig & { CgroupnsMode?: string; Annotations?: Readonly<Record<string, string>> };
type DeviceRate = NonNullable<ContainerSpec['blockIo']>['readBps'][number];

const JSON_FILE = 'json-file';
/** A log that nobody rotates fills the disk. */
const ROTATION = { 'max-size': '10m', 'max-file': '3' };

/** @throws EngineError 'bad-mount' for what Docker has no way to say */
export function hostConfig(
  container: ContainerSpec,
  published: readonly PublishedPort[],
  limits: AppliedLimits,
): WholeHostConfig {
  return {
    // The agent restarts containers, with backoff and with reasons; two who do it would fight.
    RestartPolicy: { Name: 'no' },
    ...mountSettings(container.mounts),
    ...network(container, published),
    ...security(container),
    ...namespaces(container),
    ...devices(container),
    ...resources(container, limits),
    Init: container.init,
    ReadonlyRootfs: container.readOnly,
    LogConfig: logConfig(container.logging),
    ...text('Runtime', container.runtime),
    ...map('StorageOpt', container.storageOptions),
    ...map('Annotations', container.annotations),
  };
}

/** Of an option that is not said Docker is not told either: it has defaults of its own. */
function text<K extends string>(key: K, value: string | undefined): { readonly [P in K]?: string } {
  return (value === undefined || value === '' ? {} : { [key]: value }) as { readonly [P in K]?: string };
}

function list<K extends string>(key: K, values: readonly string[]): { readonly [P in K]?: string[] } {
  return (values.length === 0 ? {} : { [key]: [...values] }) as { readonly [P in K]?: string[] };
}

type Texts = Readonly<Record<string, string>>;

function map<K extends string>(key: K, values: Texts): { readonly [P in K]?: Record<string, string> } {
  return (Object.keys(values).length === 0 ? {} : { [key]: { ...values } }) as {
    readonly [P in K]?: Record<string, string>;
  };
}

function number<K extends string>(key: K, value: number): { readonly [P in K]?: number } {
  return (value === 0 ? {} : { [key]: value }) as { readonly [P in K]?: number };
}

function network(container: ContainerSpec, published: readonly PublishedPort[]): HostConfig {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  published.forEach((port, index) => {
    const key = `${port.target}/${port.protocol}`;
    (bindings[key] ??= []).push({ HostIp: container.ports[index]!.hostIp, HostPort: String(port.published) });
  });
  return {
    PortBindings: bindings,
    ...text('NetworkMode', networkMode(container)),
    ...list('Dns', container.dns),
    ...list('DnsOptions', container.dnsOptions),
    ...list('DnsSearch', container.dnsSearch),
    ...list('ExtraHosts', container.extraHosts),
  };
}

function security({ capAdd, capDrop, securityOpt, groupAdd }: ContainerSpec): HostConfig {
  // No gain of privileges by setuid programs, unless the operator says something about it.
  const isSaid = securityOpt.some((option) => option.startsWith('no-new-privileges'));
  return {
    CapAdd: [...capAdd],
    CapDrop: [...capDrop],
    SecurityOpt: isSaid ? [...securityOpt] : ['no-new-privileges:true', ...securityOpt],
    ...list('GroupAdd', groupAdd),
  };
}

function namespaces({ ipc, pid, usernsMode, cgroup, sysctls }: ContainerSpec): WholeHostConfig {
  return {
    ...text('IpcMode', ipc),
    ...text('PidMode', pid),
    ...text('UsernsMode', usernsMode),
    ...text('CgroupnsMode', cgroup),
    ...map('Sysctls', sysctls),
  };
}

function devices({ devices, deviceCgroupRules, deviceRequests }: ContainerSpec): HostConfig {
  return {
    ...(devices.length > 0 && {
      Devices: devices.map(({ source, target, permissions }) => ({
        PathOnHost: source,
        PathInContainer: target,
        CgroupPermissions: permissions,
      })),
    }),
    ...list('DeviceCgroupRules', deviceCgroupRules),
    ...(deviceRequests.length > 0 && {
      DeviceRequests: deviceRequests.map(({ driver, count, ids, capabilities, options }) => ({
        Driver: driver,
        Count: count,
        DeviceIDs: [...ids],
        // A list of lists: any of the outer, all of the inner.
        Capabilities: capabilities.length === 0 ? [] : [[...capabilities]],
        Options: { ...options },
      })),
    }),
  };
}

function resources(container: ContainerSpec, limits: AppliedLimits): HostConfig {
  const { blockIo, memSwappiness } = container;
  const rates = (of: readonly DeviceRate[] = []): object[] => of.map(({ path, rate }) => ({ Path: path, Rate: rate }));
  return {
    PidsLimit: limits.pids,
    ...number('NanoCpus', limits.nanoCpus),
    // Swap as much as memory is Docker's "no swap": a limit that swaps is none.
    ...(limits.memoryBytes > 0 && { Memory: limits.memoryBytes, MemorySwap: limits.memoryBytes }),
    ...number('MemoryReservation', limits.memoryReservationBytes),
    Ulimits: container.ulimits.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
    ...number('ShmSize', container.shmSizeBytes),
    ...number('OomScoreAdj', container.oomScoreAdj),
    ...(memSwappiness !== undefined && { MemorySwappiness: memSwappiness }),
    ...text('CgroupParent', container.cgroupParent),
    ...text('CpusetCpus', container.cpuset),
    ...number('CpuShares', container.cpuShares),
    ...(blockIo !== undefined && {
      ...number('BlkioWeight', blockIo.weight),
      BlkioWeightDevice: blockIo.weightDevice.map(({ path, rate }) => ({ Path: path, Weight: rate })),
      BlkioDeviceReadBps: rates(blockIo.readBps),
      BlkioDeviceWriteBps: rates(blockIo.writeBps),
      BlkioDeviceReadIOps: rates(blockIo.readIops),
      BlkioDeviceWriteIOps: rates(blockIo.writeIops),
    }),
  };
}

function logConfig(logging: Logging | undefined): NonNullable<HostConfig['LogConfig']> {
  const { driver, options } = logging ?? { driver: JSON_FILE, options: {} };
  const isUnbounded = driver === JSON_FILE && options['max-size'] === undefined;
  return { Type: driver, Config: { ...(isUnbounded && ROTATION), ...options } };
}
