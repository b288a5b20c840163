/** Pure: images that are to be on the host ahead of need, so that a rollout that comes to it waits for no registry. */
import type { PrefetchStatus } from '../../lib/documents/types';
import { pauseOf } from './pause';
import type { HostInput } from './plan-host';
import { REASONS } from './reasons';
import type { Failure, PrefetchWish, PullStep, StepKind } from './types';

/** What a status is built from, of pulls. */
interface Pulls {
  /** Of the step that is being done, by instance or release. */
  readonly busy: ReadonlyMap<string, StepKind>;
  /** Of the steps that are due and wait for others to end: for which. */
  readonly turns: ReadonlyMap<string, string>;
  readonly memory: HostInput['memory'] & {
    failureOf(instance: string): Failure | undefined;
    pullFailureOf(image: string): Failure | undefined;
    progressOf(instance: string): string;
  };
}

/** The pulls that are owed, by name of the release, whether they are due or not. An image that is there is never owed. */
export function prefetchPulls({ desired, actual }: HostInput): readonly PullStep[] {
  return [...desired.prefetch].sort(byName).flatMap(([name, { service, spec }]): readonly PullStep[] => {
    const isOwed = spec !== undefined && spec.container.pullPolicy !== 'never' && !hasImage(spec, actual);
    if (!isOwed || pauseOf('', service, desired.pauses) !== undefined) return [];
    return [{ kind: 'pull', instance: name, release: spec, specHash: '', reason: REASONS.prefetch }];
  });
}

/** What became of each that is named. */
export function prefetchStatus(input: HostInput & Pulls): Readonly<Record<string, PrefetchStatus>> {
  const named = [...input.desired.prefetch].sort(byName);
  return Object.fromEntries(named.map(([name, wish]) => [name, statusOf(name, wish, input)]));
}

function statusOf(
  name: string,
  { service, spec, specProblem }: PrefetchWish,
  input: HostInput & Pulls,
): PrefetchStatus {
  const { desired, actual, busy, turns, memory } = input;
  const waits = (message: string): PrefetchStatus => ({ done: false, failed: false, message });
  if (spec === undefined) return waits(specProblem ?? '');
  const { image, pullPolicy } = spec.container;
  if (hasImage(spec, actual)) return { done: true, failed: false, message: '' };
  if (pullPolicy === 'never') return { done: false, failed: true, message: REASONS.pullNever(image) };
  const pause = pauseOf('', service, desired.pauses);
  if (pause !== undefined) return waits(REASONS.handsOff(pause));
  const failure = memory.failureOf(name) ?? memory.pullFailureOf(image);
  if (failure !== undefined) return { done: false, failed: true, message: failure.error };
  const puller = busy.has(name) ? name : [...memory.instances].find(([, { pulling }]) => pulling === image)?.[0];
  if (puller !== undefined) return waits(memory.progressOf(puller));
  return waits(turns.has(name) ? REASONS.turn(REASONS.prefetch, turns.get(name)) : '');
}

function hasImage({ container }: NonNullable<PrefetchWish['spec']>, { images }: HostInput['actual']): boolean {
  return images.has(container.image);
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : Number(a > b);
}
