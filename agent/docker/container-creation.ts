/** Makes a container, on all of its networks or not at all. */
import type { ContainerCreateOptions, NetworkConnectOptions } from 'dockerode';
import { READ_DEADLINE_MS, type DockerConnection } from './connection';
import { containerConfig } from './container-config';
import { requireNetworks, requireVolumes } from './container-needs';
import { endpointSettings } from './container-networks';
import { EngineError, type CreateRequest } from './engine';
import type { Ownership } from './labels';
import { fillContainer, type Node } from './placeholders';

/** Docker pulls no image here, but volumes may be filled from one. */
const CREATE_DEADLINE_MS = 60_000;

/**
 * @param image what the request's image is called on this host
 * @returns the id. @throws EngineError as Engine.create does
 */
export async function createContainer(
  connection: DockerConnection,
  request: CreateRequest,
  owner: Ownership & Node,
  image: string,
): Promise<string> {
  const apiVersion = await connection.apiVersion();
  const container = { ...fillContainer(request, owner), image };
  const { name, platform, ...body } = containerConfig({ ...request, container }, owner, apiVersion);
  await requireNetworks(connection, container);
  await requireVolumes(connection, container);
  const created = await connection.call('create', CREATE_DEADLINE_MS, (docker, abortSignal) =>
    // Without _query and _body dockerode would write all of it, secrets too, into the address.
    docker.createContainer({ _query: { name, platform }, _body: body, abortSignal } as ContainerCreateOptions),
  );
  if (typeof created.id !== 'string') throw new EngineError('other', 'Docker did not say what it created');
  try {
    for (const network of container.networks.slice(1)) {
      const EndpointConfig = endpointSettings(network, request.service, apiVersion);
      await connection.call('connect', READ_DEADLINE_MS, (docker, abortSignal) => {
        const options = { _body: { Container: created.id, EndpointConfig }, abortSignal };
        return docker.getNetwork(encodeURIComponent(network.name)).connect(options as NetworkConnectOptions);
      });
    }
  } catch (error) {
    // Should this fail, a later pass removes it: it was never started.
    await connection
      .call('remove', READ_DEADLINE_MS, (docker, abortSignal) =>
        docker.getContainer(created.id).remove({ v: true, abortSignal } as object),
      )
      .catch(() => undefined);
    throw error;
  }
  return created.id;
}
