/** What has to be on a host before a container is made: its networks, and volumes that are somebody else's. */
import type { ContainerSpec } from '../../../lib/documents/types';
import { READ_DEADLINE_MS, type DockerConnection } from '../connection';
import { EngineError } from '../engine';

/** Docker itself notices only when the container is started, and then says less. @throws EngineError */
export async function requireNetworks(connection: DockerConnection, { networks }: ContainerSpec): Promise<void> {
  const wanted = networks.map(({ name }) => name);
  if (wanted.length === 0) return;
  const filters = { name: wanted };
  const listed = await connection.call('list networks', READ_DEADLINE_MS, (docker, abortSignal) =>
    docker.listNetworks({ filters, abortSignal }),
  );
  const missing = wanted.find((name) => !listed.some(({ Name }) => Name === name));
  if (missing !== undefined) throw noNetwork(missing);
}

/** Docker would make what is missing. @throws EngineError */
export async function requireVolumes(connection: DockerConnection, { mounts }: ContainerSpec): Promise<void> {
  const wanted = mounts.filter(({ volumeExternal }) => volumeExternal).map(({ source }) => source);
  if (wanted.length === 0) return;
  const filters = { name: wanted };
  const { Volumes: listed } = await connection.call('list volumes', READ_DEADLINE_MS, (docker, abortSignal) =>
    docker.listVolumes({ filters, abortSignal }),
  );
  const missing = wanted.find((name) => !(listed ?? []).some(({ Name }) => Name === name));
  if (missing !== undefined) throw noVolume(missing);
}

export function noNetwork(name: string): EngineError {
  return new EngineError(
    'bad-request',
    `there is no network "${name}" on this host; create it there: docker network create ${name}`,
  );
}

export function noVolume(name: string): EngineError {
  return new EngineError(
    'bad-mount',
    `there is no volume "${name}" on this host, and it is external; create it there: docker volume create ${name}`,
  );
}
