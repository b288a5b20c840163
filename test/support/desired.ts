/** What a host should run, in few words. */
import { madeFrom } from '../../agent/plan/made-from';
import type { Desired, DesiredInstance } from '../../agent/plan/types';
import { emptyDocument } from '../../lib/documents/codec';
import type { ContainerSpec, Hook, Port, Release, RestartPolicy } from '../../lib/documents/types';
import { specHash } from '../../lib/release/spec-hash';

export interface ReleaseWish {
  readonly number?: number;
  readonly image?: string;
  /** Fixed host ports, or 0 for one that is picked; each of a container port of its own. */
  readonly hostPorts?: readonly number[];
  readonly policy?: Partial<RestartPolicy>;
  readonly hasCheck?: boolean;
  /** Whatever else of the container. */
  readonly container?: Partial<ContainerSpec>;
}

export const WINDOW_MS = 5000;
/** The coordinator knows the release. */
const HASH = '1:00';

export function hookOf(...command: readonly string[]): Hook {
  return { command, user: '', privileged: false, workingDir: '', environment: {} };
}

export function releaseOf(service: string, wish: ReleaseWish = {}): Release {
  const { number = 1, image = 'web:1', hostPorts = [], policy = {}, hasCheck = false, container = {} } = wish;
  const empty = emptyDocument('Release');
  const ports = hostPorts.map((published, index): Port => ({
    name: '',
    target: 80 + index,
    published,
    protocol: 'tcp',
    hostIp: '',
  }));
  const check = { test: ['CMD', 'x'], intervalMs: 0, timeoutMs: 0, startPeriodMs: 0, retries: 0 };
  return {
    ...empty,
    ...{ service, number },
    container: {
      ...{ ...empty.container, image, ports, stopGracePeriodMs: 10_000 },
      ...(hasCheck && { healthCheck: check }),
      ...container,
    },
    deploy: {
      ...empty.deploy,
      mode: 'replicated',
      restartPolicy: { condition: 'any', delayMs: 0, maxAttempts: 0, windowMs: WINDOW_MS, ...policy },
    },
  };
}

/** The same, with a `before` job. */
export function withJob(desired: Desired, id: string, release: Release): Desired {
  const { service, number } = release;
  const assigned = { service, slot: 0, release: number, hash: HASH, config: {}, before: true };
  return {
    ...desired,
    instances: new Map(desired.instances).set(id, { ...assigned, ...madeFrom(assigned, release) }),
  };
}

/** A release with such a job. */
export function jobReleaseOf(
  service: string,
  wish: ReleaseWish = {},
  command: readonly string[] = ['migrate'],
): Release {
  const release = releaseOf(service, wish);
  return { ...release, deploy: { ...release.deploy, before: { command, timeoutMs: 60_000 } } };
}

/** Images that are wanted ahead of need. A text is why the first release of "web" is not known. */
export function prefetchOf(...wishes: readonly (Release | string)[]): Desired['prefetch'] {
  return new Map(
    wishes.map((wish) => [
      typeof wish === 'string' ? 'web@1' : `${wish.service}@${wish.number}`,
      typeof wish === 'string' ? { service: 'web', specProblem: wish } : { service: wish.service, spec: wish },
    ]),
  );
}

/** Instances by id; their slots are counted up. A text is why a release is not known. */
export function desiredOf(
  wishes: Readonly<Record<string, Release | string>>,
  rest: Partial<Omit<Desired, 'instances'>> = {},
): Desired {
  const instances = Object.entries(wishes).map(([id, wish], index): [string, DesiredInstance] => {
    const service = typeof wish === 'string' ? 'web' : wish.service;
    const release = typeof wish === 'string' ? 1 : wish.number;
    const known = typeof wish === 'string' ? { specProblem: wish } : { spec: wish, specHash: specHash(wish.container) };
    return [id, { service, slot: index + 1, release, hash: HASH, config: {}, before: false, ...known }];
  });
  const nothing = { held: new Set<string>(), prefetch: new Map(), pauses: [] };
  return { isComplete: true, assignmentRevision: 1, ...nothing, ...rest, instances: new Map(instances) };
}
