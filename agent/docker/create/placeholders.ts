/** Pure: fills in Swarm's placeholders of a release for one instance on one host. */
import type { ContainerSpec, Mount } from '../../../lib/documents/types';
import { fillPlaceholders, type PlaceholderValues } from '../../../lib/release/placeholders';
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
}

/**
 * @returns the request's container, with environment, hostname and mounts as this instance has them
 * @throws EngineError 'bad-request' for what can't be filled in, or makes no hostname
 */
export function fillContainer(request: CreateRequest, node: Node): ContainerSpec {
  const { container, service, instance, slot } = request;
  const values: PlaceholderValues = {
    ...{ 'Service.Name': service, 'Service.ID': service, 'Task.ID': instance, 'Task.Name': containerName(instance) },
    ...{ 'Task.Slot': String(slot), 'Node.Hostname': node.host, 'Node.ID': node.nodeId, labels: container.labels },
  };
  const fill = (text: string): string => {
    const filled = fillPlaceholders(text, values);
    if (typeof filled !== 'string') throw new EngineError('bad-request', filled.problem);
    return filled;
  };
  const hostname = fill(container.hostname);
  if (hostname.length > MAX_HOSTNAME_CHARACTERS)
    throw new EngineError(
      'bad-request',
      `the hostname "${hostname}" has ${hostname.length} characters; ${MAX_HOSTNAME_CHARACTERS} are the limit`,
    );
  return {
    ...container,
    hostname,
    environment: fillMap(container.environment, fill),
    mounts: container.mounts.map((mount) => fillMount(mount, fill)),
  };
}

type Fill = (text: string) => string;

function fillMount(mount: Mount, fill: Fill): Mount {
  return {
    ...mount,
    source: fill(mount.source),
    target: fill(mount.target),
    volumeDriverOptions: fillMap(mount.volumeDriverOptions, fill),
    volumeLabels: fillMap(mount.volumeLabels, fill),
  };
}

function fillMap(map: Readonly<Record<string, string>>, fill: Fill): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, fill(value)]));
}
