/** Pure: what Berth wants of a container → the body of Docker's POST /containers/create (API 1.41). */
import assert from 'node:assert/strict';
import type { ContainerCreateOptions, HostConfig, MountSettings } from 'dockerode';
import type { ContainerSpec, Mount, PublishedPort } from '../../lib/documents/types';
import { wantedLimits } from '../plan/limits';
import type { AppliedLimits } from '../plan/types';
import { EngineError, type CreateRequest } from './engine';
import { containerName, identityLabels, type Ownership } from './labels';

/** A log that nobody rotates fills the disk. */
const DEFAULT_LOG = { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } };

const NANOSECONDS_PER_MS = 1_000_000;

/** The request's ports with the host ports that were picked for them. */
export function publishedPorts({ container, publishedPorts: picked }: CreateRequest): readonly PublishedPort[] {
  assert.equal(picked.length, container.ports.length, 'one host port for each port');
  return container.ports.map(({ name, target, protocol }, index) => ({
    name,
    target,
    published: picked[index]!,
    protocol,
  }));
}

/** @throws EngineError 'bad-mount' for what Docker has no way to say */
export function containerConfig(request: CreateRequest, owner: Ownership): ContainerCreateOptions {
  const { container, deploy } = request;
  const published = publishedPorts(request);
  const leave = { drainMs: container.drainMs, preStop: container.preStop, dependsOn: deploy.dependsOn };
  return {
    name: containerName(request.instance),
    Image: container.image,
    ...(container.command.length > 0 && { Cmd: [...container.command] }),
    ...(container.entrypoint.length > 0 && { Entrypoint: [...container.entrypoint] }),
    Env: Object.entries(container.environment).map(([name, value]) => `${name}=${value}`),
    ...(container.user !== '' && { User: container.user }),
    ...(container.workingDir !== '' && { WorkingDir: container.workingDir }),
    ...(container.hostname !== '' && { Hostname: container.hostname }),
    Labels: { ...container.labels, ...identityLabels(request, owner, published, leave, container.project) },
    ExposedPorts: Object.fromEntries(published.map(({ target, protocol }) => [`${target}/${protocol}`, {}])),
    ...(container.stopSignal !== '' && { StopSignal: container.stopSignal }),
    StopTimeout: Math.ceil(container.stopGracePeriodMs / 1000),
    ...(container.healthCheck !== undefined && { Healthcheck: healthcheck(container.healthCheck) }),
    HostConfig: hostConfig(container, published, wantedLimits(request)),
  };
}

function hostConfig(
  container: ContainerSpec,
  published: readonly PublishedPort[],
  limits: AppliedLimits,
): HostConfig {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  published.forEach((port, index) => {
    const key = `${port.target}/${port.protocol}`;
    (bindings[key] ??= []).push({ HostIp: container.ports[index]!.hostIp, HostPort: String(port.published) });
  });
  return {
    // The agent restarts containers, with backoff and with reasons; two who do it would fight.
    RestartPolicy: { Name: 'no' },
    PortBindings: bindings,
    // Docker creates a missing source for this old form alone.
    Binds: container.mounts.filter(({ type, createHostPath }) => type === 'bind' && createHostPath).map(bindText),
    Mounts: container.mounts
      .filter(({ type, createHostPath }) => !(type === 'bind' && createHostPath))
      .map(mountSettings),
    Init: container.init,
    ReadonlyRootfs: container.readOnly,
    CapAdd: [...container.capAdd],
    CapDrop: [...container.capDrop],
    SecurityOpt: securityOptions(container.securityOpt),
    Ulimits: container.ulimits.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
    PidsLimit: limits.pids,
    ...(limits.nanoCpus > 0 && { NanoCpus: limits.nanoCpus }),
    // Swap as much as memory is Docker's "no swap": a limit that swaps is none.
    ...(limits.memoryBytes > 0 && { Memory: limits.memoryBytes, MemorySwap: limits.memoryBytes }),
    ...(limits.memoryReservationBytes > 0 && { MemoryReservation: limits.memoryReservationBytes }),
    LogConfig: DEFAULT_LOG,
  };
}

/** No gain of privileges by setuid programs, unless the operator says something about it. */
function securityOptions(given: readonly string[]): string[] {
  return given.some((option) => option.startsWith('no-new-privileges'))
    ? [...given]
    : ['no-new-privileges:true', ...given];
}

function bindText({ source, target, readOnly }: Mount): string {
  if (source.includes(':') || target.includes(':'))
    throw new EngineError(
      'bad-mount',
      `Docker creates no missing host path with a colon in it (${source} at ${target}): create it, and say create_host_path: false`,
    );
  return `${source}:${target}${readOnly ? ':ro' : ''}`;
}

function mountSettings(mount: Mount): MountSettings {
  const { type, source, target, readOnly } = mount;
  const base = { Type: type as MountSettings['Type'], Source: source, Target: target, ReadOnly: readOnly };
  if (type === 'tmpfs')
    return {
      ...base,
      TmpfsOptions: {
        ...(mount.tmpfsSizeBytes > 0 && { SizeBytes: mount.tmpfsSizeBytes }),
        ...(mount.tmpfsMode > 0 && { Mode: mount.tmpfsMode }),
      } as MountSettings['TmpfsOptions'] & object,
    };
  if (type === 'volume' && mount.noCopy)
    return { ...base, VolumeOptions: { NoCopy: true, Labels: {}, DriverConfig: { Name: '', Options: {} } } };
  return base;
}

function healthcheck(
  check: NonNullable<ContainerSpec['healthCheck']>,
): NonNullable<ContainerCreateOptions['Healthcheck']> {
  return {
    Test: [...check.test],
    Interval: check.intervalMs * NANOSECONDS_PER_MS,
    Timeout: check.timeoutMs * NANOSECONDS_PER_MS,
    StartPeriod: check.startPeriodMs * NANOSECONDS_PER_MS,
    Retries: check.retries,
  };
}
