/** Makes a container, on all of its networks or not at all. */
import type Docker from 'dockerode';
import type { ContainerCreateOptions, NetworkConnectOptions } from 'dockerode';
import { READ_DEADLINE_MS, type DockerConnection } from '../connection';
import { containerConfig } from './container-config';
import { requireNetworks, requireVolumes } from './container-needs';
import { aliasOf, endpointSettings } from './container-networks';
import { EngineError, type CreateRequest } from '../engine';
import type { Ownership } from '../list/labels';
import { fillContainer, type Node } from './placeholders';

/** Docker pulls no image here, but volumes may be filled from one. */
const CREATE_DEADLINE_MS = 60_000;

interface Created {
  readonly Id?: unknown;
  readonly Warnings?: readonly string[] | null;
}

/**
 * @param image what the request's image is called on this host
 * @param onWarning told what Docker leaves out, in its words
 * @returns the id. @throws EngineError as Engine.create does
 */
export async function createContainer(
  connection: DockerConnection,
  request: CreateRequest,
  owner: Ownership & Node,
  image: string,
  onWarning: (warning: string) => void,
): Promise<string> {
  const apiVersion = await connection.apiVersion();
  const container = { ...fillContainer(request, owner), image };
  const { name, platform, ...body } = containerConfig({ ...request, container }, owner, apiVersion);
  await requireNetworks(connection, container);
  await requireVolumes(connection, container);
  const created = await connection.call('create', CREATE_DEADLINE_MS, (docker, abortSignal) =>
    postContainer(docker, { name, platform }, body, abortSignal),
  );
  const { Id: id, Warnings } = created;
  if (typeof id !== 'string') throw new EngineError('other', 'Docker did not say what it created');
  Warnings?.forEach(onWarning);
  try {
    for (const network of container.networks.slice(1)) {
      const EndpointConfig = endpointSettings(network, aliasOf(request), apiVersion);
      await connection.call('connect', READ_DEADLINE_MS, (docker, abortSignal) => {
        const options = { _body: { Container: id, EndpointConfig }, abortSignal };
        return docker.getNetwork(encodeURIComponent(network.name)).connect(options as NetworkConnectOptions);
      });
    }
  } catch (error) {
    // Should this fail, a later pass removes it: it was never started.
    await connection
      .call('remove', READ_DEADLINE_MS, (docker, abortSignal) =>
        docker.getContainer(id).remove({ v: true, abortSignal } as object),
      )
      .catch(() => undefined);
    throw error;
  }
  return id;
}

/** As dockerode does, but for two things: it loses the warnings, and writes the body, secrets too, into the address. */
function postContainer(
  docker: Docker,
  query: object,
  body: ContainerCreateOptions,
  abortSignal: AbortSignal,
): Promise<Created> {
  const modem = docker.modem as { dial(request: object, done: (error: Error | null, answer: Created) => void): void };
  const request = { path: '/containers/create?', method: 'POST', options: { _query: query, _body: body }, abortSignal };
  return new Promise((resolve, reject) => {
    modem.dial({ ...request, statusCodes: { 200: true, 201: true } }, (error, answer) =>
      error === null ? resolve(answer) : reject(error),
    );
  });
}
