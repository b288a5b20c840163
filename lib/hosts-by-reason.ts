/** @param refusals of hosts: why. @returns each reason once, as they come first, with the names of its hosts, sorted */
export function hostsByReason(
  refusals: Iterable<readonly [host: string, reason: string]>,
): readonly (readonly [reason: string, hosts: readonly string[]])[] {
  const hosts = new Map<string, string[]>();
  for (const [host, reason] of refusals) hosts.set(reason, [...(hosts.get(reason) ?? []), host]);
  return [...hosts].map(([reason, names]) => [reason, names.sort()]);
}
