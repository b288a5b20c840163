/** Labels are the agent's memory: who a container is, written at its creation and read back by every list. */
import type { Hook, PublishedPort } from '../../../lib/documents/types';
import { NOTHING_TO_LEAVE, type Leave } from '../../plan/types';
import type { ContainerIdentity } from '../engine';

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
  image: 'berth.image',
  host: 'berth.host',
  prefix: 'berth.prefix',
  project: 'berth.project',
  ports: 'berth.ports',
  leave: 'berth.leave',
} as const;

/** No reference is longer; what is written there by hand may be. */
const MAX_IMAGE_CHARACTERS = 1024;

export function ownershipFilter(owner: Ownership): readonly string[] {
  return [`${LABEL.host}=${owner.host}`, `${LABEL.prefix}=${owner.prefix}`];
}

export function identityLabels(
  identity: ContainerIdentity,
  owner: Ownership,
  ports: readonly PublishedPort[],
  leave: Leave,
  project: string,
): Record<string, string> {
  return {
    [LABEL.instance]: identity.instance,
    [LABEL.service]: identity.service,
    [LABEL.slot]: String(identity.slot),
    [LABEL.release]: `${identity.service}@${identity.release}`,
    [LABEL.spec]: identity.spec,
    ...(identity.image !== undefined && { [LABEL.image]: identity.image }),
    [LABEL.host]: owner.host,
    [LABEL.prefix]: owner.prefix,
    [LABEL.ports]: JSON.stringify(ports),
    ...(!isNothing(leave) && { [LABEL.leave]: JSON.stringify(leave) }),
    ...(project !== '' && { [LABEL.project]: project }),
  };
}

export type Labelled = ContainerIdentity & { readonly ports: readonly PublishedPort[]; readonly leave: Leave };

/** @returns undefined when the labels are not as we write them: such a container is left alone */
export function readIdentity(labels: Readonly<Record<string, string>>): Labelled | undefined {
  const release = /^(.+)@(\d+)$/.exec(labels[LABEL.release] ?? '');
  const slot = Number(labels[LABEL.slot]);
  const instance = labels[LABEL.instance];
  const service = labels[LABEL.service];
  const spec = labels[LABEL.spec];
  const ports = readPorts(labels[LABEL.ports]);
  if (
    !release ||
    release[1] !== service ||
    !isInt32(slot) ||
    !Number.isSafeInteger(Number(release[2])) ||
    !instance ||
    !service
  )
    return undefined;
  if (spec === undefined || ports === undefined) return undefined;
  const leave = readLeave(labels[LABEL.leave]);
  const image = labels[LABEL.image];
  const known = image !== undefined && image.length <= MAX_IMAGE_CHARACTERS && { image };
  return { instance, service, slot, release: Number(release[2]), spec, ...known, ports, leave };
}

function isNothing({ drainMs, preStop, dependsOn }: Leave): boolean {
  return drainMs === 0 && preStop.length === 0 && dependsOn.length === 0;
}

/** What can't be read is nothing: the container goes as others go. */
function readLeave(text: string | undefined): Leave {
  if (text === undefined) return NOTHING_TO_LEAVE;
  try {
    const { drainMs, preStop, dependsOn } = JSON.parse(text) as Record<string, unknown>;
    const isWhole =
      Number.isSafeInteger(drainMs) &&
      (drainMs as number) >= 0 &&
      Array.isArray(preStop) &&
      preStop.every(isHook) &&
      Array.isArray(dependsOn) &&
      dependsOn.every((service) => typeof service === 'string');
    return isWhole ? { drainMs: drainMs as number, preStop, dependsOn: dependsOn } : NOTHING_TO_LEAVE;
  } catch {
    return NOTHING_TO_LEAVE;
  }
}

function isHook(value: unknown): value is Hook {
  const { command, user, privileged, workingDir, environment } = (value ?? {}) as Record<string, unknown>;
  const isCommand = Array.isArray(command) && command.length > 0 && command.every((word) => typeof word === 'string');
  const isRest = typeof user === 'string' && typeof privileged === 'boolean' && typeof workingDir === 'string';
  return isCommand && isRest && typeof environment === 'object' && environment !== null;
}

function readPorts(text: string | undefined): readonly PublishedPort[] | undefined {
  try {
    const ports: unknown = JSON.parse(text ?? '');
    return Array.isArray(ports) && ports.every(isPublishedPort) ? ports : undefined;
  } catch {
    return undefined;
  }
}

function isPublishedPort(value: unknown): value is PublishedPort {
  const { name, target, published, protocol } = (value ?? {}) as Record<string, unknown>;
  const isText = typeof name === 'string' && typeof protocol === 'string';
  return isText && isInt32(target) && isInt32(published);
}

/** What the status can carry. Labels can be forged, and a forged one must not end the agent. */
function isInt32(value: unknown): boolean {
  return Number.isInteger(value) && Math.abs(value as number) < 2 ** 31;
}

/** One container for an instance: the engine itself refuses a second one of the name. */
export function containerName(instance: string): string {
  return `berth-${instance}`;
}
