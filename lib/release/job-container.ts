import type { ContainerSpec, Release } from '../documents/types';

const NO_HEALTH_CHECK = { test: ['NONE'], intervalMs: 0, timeoutMs: 0, startPeriodMs: 0, retries: 0 };

/**
 * Pure: what a release's `before` job is made from. The release's container with another command, which nobody reaches,
 * by no port and no name, and which stands in nobody's way.
 */
export function jobContainer({ container, deploy }: Pick<Release, 'container' | 'deploy'>): ContainerSpec {
  return {
    ...container,
    command: deploy.before?.command ?? [],
    ...{ ports: [], postStart: [], preStop: [], drainMs: 0, healthCheck: NO_HEALTH_CHECK },
    networks: container.networks.map(({ name, driverOptions }) => ({
      ...{ name, driverOptions, aliases: [], linkLocalIps: [] },
      ...{ ipv4Address: '', ipv6Address: '', macAddress: '' },
    })),
  };
}
