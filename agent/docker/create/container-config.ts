/** Pure: what Berth wants of a container → the body of Docker's POST /containers/create (API 1.41 and newer). */
import assert from 'node:assert/strict';
import type { ContainerCreateOptions } from 'dockerode';
import type { ContainerSpec, PublishedPort } from '../../../lib/documents/types';
import { wantedLimits } from '../../plan/limits';
import { requireApi } from './api-needs';
import { aliasOf, creationNetworks } from './container-networks';
import type { CreateRequest } from '../engine';
import { identityEnvironment } from './identity-environment';
import type { Node } from './placeholders';
import { hostConfig } from './host-config';
import { containerName, identityLabels, type Ownership } from '../list/labels';

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

/**
 * @param request its placeholders are filled in
 * @param apiVersion that the engine is spoken to with
 * @throws EngineError 'bad-mount' for what Docker has no way to say, 'bad-request' for what this engine is too old for
 */
export function containerConfig(
  request: CreateRequest,
  owner: Ownership & Node,
  apiVersion: string,
): ContainerCreateOptions {
  const { container, deploy } = request;
  requireApi(container, apiVersion);
  const published = publishedPorts(request);
  const leave = { drainMs: container.drainMs, preStop: container.preStop, dependsOn: deploy.dependsOn };
  return {
    name: containerName(request.instance),
    ...(container.platform !== '' && { platform: container.platform }),
    Image: container.image,
    ...(container.command.length > 0 && { Cmd: [...container.command] }),
    ...(container.entrypoint.length > 0 && { Entrypoint: [...container.entrypoint] }),
    // What the operator says wins.
    Env: Object.entries({ ...identityEnvironment(request, published, owner), ...container.environment }).map(
      ([name, value]) => `${name}=${value}`,
    ),
    ...(container.user !== '' && { User: container.user }),
    ...(container.workingDir !== '' && { WorkingDir: container.workingDir }),
    ...(container.hostname !== '' && { Hostname: container.hostname }),
    ...(container.stdinOpen && { OpenStdin: true }),
    ...(container.tty && { Tty: true }),
    Labels: { ...container.labels, ...identityLabels(request, owner, published, leave, container.project) },
    ExposedPorts: Object.fromEntries(published.map(({ target, protocol }) => [`${target}/${protocol}`, {}])),
    ...(container.stopSignal !== '' && { StopSignal: container.stopSignal }),
    StopTimeout: Math.ceil(container.stopGracePeriodMs / 1000),
    ...(container.healthCheck !== undefined && { Healthcheck: healthcheck(container.healthCheck) }),
    ...creationNetworks(container, aliasOf(request), apiVersion),
    HostConfig: hostConfig(container, published, wantedLimits(request)),
  };
}

function healthcheck(check: NonNullable<ContainerSpec['healthCheck']>): ContainerCreateOptions['Healthcheck'] {
  return {
    Test: [...check.test],
    Interval: check.intervalMs * NANOSECONDS_PER_MS,
    Timeout: check.timeoutMs * NANOSECONDS_PER_MS,
    StartPeriod: check.startPeriodMs * NANOSECONDS_PER_MS,
    Retries: check.retries,
    ...(check.startIntervalMs !== undefined && { StartInterval: check.startIntervalMs * NANOSECONDS_PER_MS }),
  };
}
