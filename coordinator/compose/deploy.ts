/** How many instances of a service there are, where they go, and how they restart. */
import { emptyDocument } from '../../lib/documents/codec';
import type { ContainerSpec, DeploySpec, RestartPolicy } from '../../lib/documents/types';
import { parseBytes } from './bytes';
import { parseConstraint } from './constraint';
import { parseNanoCpus } from './cpus';
import { parseDurationMs } from './duration';
import { readDependsOn } from './depends-on';
import { DEPLOY_KEYS, PLACEMENT_KEYS, RESERVATIONS_KEYS, RESTART_POLICY_KEYS } from './deploy-keys';
import { readOnUnhealthy, readProbe } from './probe';
import type { Reader } from './read';

const MAX_REPLICAS = 1_000_000;
const DEFAULT_WINDOW_MS = 5000;

/** @param container that the service is made from. @param name of the service */
export function readDeploy(service: Reader, container: ContainerSpec, name: string): DeploySpec {
  const deploy = service.at('deploy').fields(DEPLOY_KEYS) ?? service.at('deploy');
  const mode = deploy.at('mode').oneOf(['replicated', 'global']) ?? 'replicated';
  const replicas = deploy.at('replicas').integer(0, MAX_REPLICAS);
  if (mode === 'global' && replicas !== undefined)
    deploy.at('replicas').bad('a global service has one instance on every host that fits; leave replicas out');
  const berth = service.at('x-berth');
  const probe = readProbe(berth.at('probe'), container);
  const placement = deploy.at('placement').fields(PLACEMENT_KEYS);
  return {
    ...emptyDocument('Release').deploy,
    mode,
    replicas: mode === 'global' ? 0 : (replicas ?? 1),
    constraints: readConstraints(placement?.at('constraints')),
    reservations: readReservations(
      deploy.at('resources').at('reservations').fields(RESERVATIONS_KEYS),
      container.limits,
    ),
    restartPolicy: readRestartPolicy(deploy.at('restart_policy').fields(RESTART_POLICY_KEYS)),
    ...(probe !== undefined && { probe }),
    onUnhealthy: readOnUnhealthy(berth.at('on_unhealthy')),
    dependsOn: readDependsOn(service.at('depends_on'), name),
  };
}

function readConstraints(reader: Reader | undefined): readonly string[] {
  return (reader?.items() ?? []).flatMap((item) => {
    const text = item.text();
    const constraint = text === undefined ? undefined : parseConstraint(text);
    if (constraint !== undefined && 'problem' in constraint) return item.bad(constraint.problem) ?? [];
    return text === undefined ? [] : [text.trim()];
  });
}

function readReservations(reader: Reader | undefined, limits: ContainerSpec['limits']): DeploySpec['reservations'] {
  const nanoCpus = reader?.at('cpus').parse(parseNanoCpus) ?? 0;
  const memoryBytes = reader?.at('memory').parse(parseBytes) ?? 0;
  if (limits.nanoCpus > 0 && nanoCpus > limits.nanoCpus)
    reader?.at('cpus').bad('more CPUs are reserved than the limit allows');
  if (limits.memoryBytes > 0 && memoryBytes > limits.memoryBytes)
    reader?.at('memory').bad('more memory is reserved than the limit allows');
  return { nanoCpus, memoryBytes, resources: {} };
}

function readRestartPolicy(reader: Reader | undefined): RestartPolicy {
  return {
    condition: reader?.at('condition').oneOf(['any', 'on-failure', 'none']) ?? 'any',
    delayMs: reader?.at('delay').parse(parseDurationMs) ?? 0,
    maxAttempts: reader?.at('max_attempts').integer(0, 1_000_000) ?? 0,
    windowMs: reader?.at('window').parse(parseDurationMs) ?? DEFAULT_WINDOW_MS,
  };
}
