/** Pure: fills in the placeholders of a release for one instance on one host, and the values of config that it takes. */
import type { ContainerSpec } from '../../../lib/documents/types';
import { fillContainer as fill } from '../../../lib/release/fill-container';
import { EngineError, type CreateRequest } from '../engine';
import { containerName } from '../list/labels';

/** Linux, HOST_NAME_MAX: a container with a longer one does not start. */
const MAX_HOSTNAME_CHARACTERS = 64;

/** Where a container is made. */
export interface Node {
  /** The host's name. */
  readonly host: string;
  /** The agent's id. */
  readonly nodeId: string;
  /** At which other hosts reach its published ports. */
  readonly address: string;
}

/**
 * @returns the request's container, as this instance has it
 * @throws EngineError 'bad-request' for what can't be filled in, or makes no hostname
 */
export function fillContainer(request: CreateRequest, node: Node): ContainerSpec {
  const { container, service, instance, slot, config } = request;
  const values = {
    ...{ 'Service.Name': service, 'Service.ID': service, 'Task.ID': instance, 'Task.Name': containerName(instance) },
    ...{ 'Task.Slot': String(slot), 'Node.Hostname': node.host, 'Node.ID': node.nodeId },
  };
  const filled = fill(container, values, config);
  if ('problem' in filled) throw new EngineError('bad-request', filled.problem);
  const { hostname } = filled;
  if (hostname.length > MAX_HOSTNAME_CHARACTERS)
    throw new EngineError(
      'bad-request',
      `the hostname "${hostname}" has ${hostname.length} characters; ${MAX_HOSTNAME_CHARACTERS} are the limit`,
    );
  return filled;
}
