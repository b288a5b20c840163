/** What a commit changed, for the log: one line for each thing that an operator may look for. */
import type { ServiceStatus } from '../lib/documents/types';
import type { Logger } from '../lib/log';
import type { ClusterChanges } from './schedule/plan-cluster';

/** @param before the status of each service, as the plan found it */
export function logCommitted(
  log: Logger,
  { releases, assignments, statuses }: ClusterChanges,
  before: ReadonlyMap<string, ServiceStatus | undefined>,
): void {
  for (const { service, number, reason } of releases) {
    const why = reason === '' ? 'the service document, or the config that it takes, changed' : reason;
    log.info('cut a release', { service, release: `${service}@${number}`, reason: why });
  }
  for (const [host, { revision, instances, held }] of assignments) {
    log.info('assigned', { host, revision, instances: Object.keys(instances).length });
    if (held.length > 0)
      log.warn('a host runs instances of services that etcd knows nothing of; they are held', {
        ...{ host, held, reason: 'their services are not in etcd' },
      });
  }
  for (const [service, status] of statuses)
    if (status !== undefined) logStatus(log, service, status, before.get(service));
}

function logStatus(log: Logger, service: string, now: ServiceStatus, before: ServiceStatus | undefined): void {
  const refusal = textOfProblems(now);
  if (!now.accepted && (before === undefined || before.accepted || textOfProblems(before) !== refusal))
    log.warn('refused a service document; its last release goes on', { service, reason: refusal });
  const missing = textOfUnplaced(now);
  if (missing !== '' && (before === undefined || textOfUnplaced(before) !== missing))
    log.warn('no host takes an instance', { service, reason: missing });
  if (before !== undefined && before.currentRelease !== now.currentRelease)
    log.info('a release runs whole', { service, release: `${service}@${now.currentRelease}` });
}

function textOfProblems({ problems }: ServiceStatus): string {
  return problems.map(({ line, column, path, message }) => `line ${line}:${column} ${path}: ${message}`).join('; ');
}

function textOfUnplaced({ unplaced }: ServiceStatus): string {
  return unplaced.map(({ host, reason }) => `${host}: ${reason}`).join('; ');
}
