import type { Pause } from '../../lib/documents/types';

/** The one that ends last, of those that name the instance, its service, or the host: all that an agent hears of concern its own. */
export function pauseOf(instance: string, service: string | undefined, pauses: readonly Pause[]): Pause | undefined {
  return pauses
    .filter(
      ({ kind, name }) =>
        kind === 'host' || (kind === 'service' && name === service) || (kind === 'instance' && name === instance),
    )
    .reduce<Pause | undefined>(
      (last, one) => (last === undefined || one.untilMs > last.untilMs ? one : last),
      undefined,
    );
}
