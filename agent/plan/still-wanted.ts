import { instancesOf, type HostInput } from './plan-host';
import { planInstance } from './plan-instance';
import type { Step } from './types';

/**
 * Whether a step in flight is still worth its end. Only those that take long and leave nothing half done are ever not:
 * a pull that nobody wants any more, and the draining of an instance that is to stay after all.
 */
export function isStillWanted(step: Step, input: HostInput): boolean {
  const { desired, actual } = input;
  if (step.kind === 'pull') {
    const { image } = step.release.container;
    return [...desired.instances.values()].some(({ spec }) => spec?.container.image === image);
  }
  if (step.kind !== 'drain' || !desired.instances.has(step.instance) || !actual.containers.has(step.instance))
    return true;
  const one = instancesOf(input).find(({ instance }) => instance === step.instance);
  const next = one === undefined ? undefined : planInstance(one).step?.kind;
  return next === 'drain' || next === 'stop';
}
