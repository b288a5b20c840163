/** Labels are the agent's memory: who a container is, written at its creation and read back by every list. */
import type { PublishedPort } from '../../lib/documents/types';
import type { ContainerIdentity } from './engine';

/** Which agent owns a container: several may share one engine. */
export interface Ownership {
  readonly host: string;
  readonly prefix: string;
}

const LABEL = {
  instance: 'berth.instance',
  service: 'berth.service',
  slot: 'berth.slot',
  release: 'berth.release',
  spec: 'berth.spec',
  host: 'berth.host',
  prefix: 'berth.prefix',
  project: 'berth.project',
  ports: 'berth.ports',
} as const;

export function ownershipFilter(owner: Ownership): readonly string[] {
  return [`${LABEL.host}=${owner.host}`, `${LABEL.prefix}=${owner.prefix}`];
}

export function identityLabels(
  identity: ContainerIdentity,
  owner: Ownership,
  ports: readonly PublishedPort[],
  project: string,
): Record<string, string> {
  return {
    [LABEL.instance]: identity.instance,
    [LABEL.service]: identity.service,
    [LABEL.slot]: String(identity.slot),
    [LABEL.release]: `${identity.service}@${identity.release}`,
    [LABEL.spec]: identity.spec,
    [LABEL.host]: owner.host,
    [LABEL.prefix]: owner.prefix,
    [LABEL.ports]: JSON.stringify(ports),
    ...(project !== '' && { [LABEL.project]: project }),
  };
}

/** @returns undefined when the labels are not as we write them: such a container is left alone */
export function readIdentity(
  labels: Readonly<Record<string, string>>,
): (ContainerIdentity & { ports: readonly PublishedPort[] }) | undefined {
  const release = /@(\d+)$/.exec(labels[LABEL.release] ?? '');
  const slot = Number(labels[LABEL.slot]);
  const instance = labels[LABEL.instance];
  const service = labels[LABEL.service];
  const spec = labels[LABEL.spec];
  if (!release || !Number.isInteger(slot) || !instance || !service || spec === undefined) return undefined;
  try {
    const ports = JSON.parse(labels[LABEL.ports] ?? '[]') as PublishedPort[];
    return { instance, service, slot, release: Number(release[1]), spec, ports };
  } catch {
    return undefined;
  }
}

/** One container for an instance: the engine itself refuses a second one of the name. */
export function containerName(instance: string): string {
  return `berth-${instance}`;
}
