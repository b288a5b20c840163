import { instancesOf, type HostInput } from './plan-host';
import { planInstance } from './plan-instance';
import type { Actual, DrainStep, PullStep, Step } from './types';

/**
 * Of steps in flight, those that are not worth their end any more. Only such as take long and leave nothing half done:
 * a pull that nobody wants, and the draining of an instance that is to stay after all.
 */
export function noLongerWanted(inFlight: readonly Step[], input: HostInput): readonly Step[] {
  const { desired, actual } = input;
  const pulls = inFlight.filter((step): step is PullStep => step.kind === 'pull');
  const drains = inFlight.filter(
    (step): step is DrainStep =>
      step.kind === 'drain' && desired.instances.has(step.instance) && actual.containers.has(step.instance),
  );
  const wishes = [...desired.instances.values(), ...desired.prefetch.values()];
  const images = new Set(wishes.map(({ spec }) => spec?.container.image));
  const instances = drains.length === 0 ? [] : instancesOf(input);
  const goes = new Set(
    instances.flatMap((one) => {
      const next = planInstance(one).step?.kind;
      return next === 'drain' || next === 'stop' ? [one.instance] : [];
    }),
  );
  return [
    ...pulls.filter(({ release }) => !images.has(release.container.image)),
    ...drains.filter(({ instance }) => !goes.has(instance)),
  ];
}

/**
 * Before Docker is told of a step, there may be a wait: what was to be restarted since it is ill may be well by then, or may
 * have ended by itself, for good.
 * @param containers as they were heard of last
 */
export function isOver(step: Step, containers: Actual['containers']): boolean {
  if (step.kind !== 'restart') return false;
  const container = containers.get(step.instance)?.find(({ id }) => id === step.containerId);
  return container?.state !== 'running' || container.health !== 'unhealthy';
}
