/** How many instances of a service there are, where they go, how they restart, and how they are replaced. */
import { emptyDocument } from '../../lib/documents/codec';
import type { ContainerSpec, DeploySpec, RestartPolicy } from '../../lib/documents/types';
import { parseDurationMs } from './duration';
import { readDependsOn } from './depends-on';
import { DEPLOY_KEYS, RESTART_POLICY_KEYS } from './deploy-keys';
import { readPlacement } from './placement';
import { readOnUnhealthy, readProbe } from './probe';
import type { Reader, Templates } from './read';
import { readReservations } from './reservations';
import { readRollout } from './rollout';
import { readScrapedPort } from './scraped-port';
import { readRollbackConfig, readUpdateConfig } from './update-config';

/** Twenty on each of the most hosts that a cluster is meant for. */
const MAX_REPLICAS = 100_000;
const DEFAULT_WINDOW_MS = 5000;

/**
 * @param container that the service is made from
 * @param name of the service
 * @param templates what {{ }} are in the command of a job
 */
export function readDeploy(service: Reader, container: ContainerSpec, name: string, templates: Templates): DeploySpec {
  const deploy = service.at('deploy').fields(DEPLOY_KEYS) ?? service.at('deploy');
  const mode = deploy.at('mode').oneOf(['replicated', 'global']) ?? 'replicated';
  const given = deploy.at('replicas').integer(0, MAX_REPLICAS);
  if (mode === 'global' && given !== undefined)
    deploy.at('replicas').bad('a global service has one instance on every host that fits; leave replicas out');
  const replicas = mode === 'global' ? 0 : (given ?? 1);
  const berth = service.at('x-berth');
  const probe = readProbe(berth.at('probe'), container);
  const metrics = readScrapedPort(berth.at('metrics'), container);
  const updateConfig = readUpdateConfig(deploy.at('update_config'), container);
  return {
    ...emptyDocument('Release').deploy,
    ...{ mode, replicas, updateConfig },
    rollbackConfig: readRollbackConfig(deploy.at('rollback_config'), container),
    ...readPlacement(deploy.at('placement'), mode),
    reservations: readReservations(deploy.at('resources').at('reservations'), container.limits),
    restartPolicy: readRestartPolicy(deploy.at('restart_policy').fields(RESTART_POLICY_KEYS)),
    ...(probe !== undefined && { probe }),
    ...(metrics !== undefined && { metrics }),
    onUnhealthy: readOnUnhealthy(berth.at('on_unhealthy')),
    ...readDependsOn(service.at('depends_on'), name),
    ...readRollout(berth.withBraces(templates), { replicas, updateConfig }),
  };
}

function readRestartPolicy(reader: Reader | undefined): RestartPolicy {
  return {
    condition: reader?.at('condition').oneOf(['any', 'on-failure', 'none']) ?? 'any',
    delayMs: reader?.at('delay').parse(parseDurationMs) ?? 0,
    maxAttempts: reader?.at('max_attempts').integer(0, 1_000_000) ?? 0,
    windowMs: reader?.at('window').parse(parseDurationMs) ?? DEFAULT_WINDOW_MS,
  };
}
