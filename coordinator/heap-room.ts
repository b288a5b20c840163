import { setFlagsFromString } from 'node:v8';

/** From here on the time of plans counts for more than some tens of MB. */
const LARGE_FLEET = 50;

/**
 * `bin/berth` has V8 save memory, which a small cluster's coordinator can afford: it doubles the time of a plan.
 * @returns to be told how many hosts there are, as often as one likes: a large fleet ends the saving
 */
export function createHeapRoom(): (hosts: number) => void {
  let isLarge = false;
  return (hosts) => {
    if (isLarge || hosts < LARGE_FLEET) return;
    isLarge = true;
    setFlagsFromString('--no-optimize-for-size');
    setFlagsFromString('--sparkplug');
  };
}
