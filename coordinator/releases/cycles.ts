/** Pure: services that wait for each other in a ring, so that none of them could ever begin. */

/** @returns the services of the shortest ring through this one, which is the first; undefined when there is none */
export function ringThrough(
  service: string,
  waitsFor: (service: string) => readonly string[],
): readonly string[] | undefined {
  /** By service, the one that waits for it, on the shortest way. */
  const reachedFrom = new Map<string, string>();
  const queue = [service];
  for (const waiting of queue)
    for (const wanted of waitsFor(waiting)) {
      if (wanted === service) return wayTo(waiting, service, reachedFrom);
      if (reachedFrom.has(wanted)) continue;
      reachedFrom.set(wanted, waiting);
      queue.push(wanted);
    }
  return undefined;
}

function wayTo(last: string, first: string, reachedFrom: ReadonlyMap<string, string>): readonly string[] {
  const way = [last];
  while (way[0] !== first) way.unshift(reachedFrom.get(way[0]!)!);
  return way;
}
