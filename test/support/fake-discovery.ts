import { UnknownYet, type Discovery, type KnownEndpoint, type KnownService } from '../../agent/discovery/discovery';

/** What is known of services, as a test says it. */
export interface FakeDiscovery extends Discovery {
  /** From now on this is so. */
  set(service: string, endpoints: readonly KnownEndpoint[]): void;
  /** There is no such service any more. */
  forget(service: string): void;
  readonly hosts: Map<string, string>;
  /** Services that etcd is asked for first, once. */
  readonly slow: Set<string>;
  /** Nothing is known of these. */
  readonly unknown: Set<string>;
  /** Etcd has not said these to this agent. */
  readonly remembered: Set<string>;
  /** Those that somebody is subscribed to, sorted. */
  readonly followed: readonly string[];
}

export function createFakeDiscovery(): FakeDiscovery {
  const services = new Map<string, KnownService>();
  const watchers = new Map<string, Set<() => void>>();
  const hosts = new Map<string, string>();
  const slow = new Set<string>();
  const unknown = new Set<string>();
  const remembered = new Set<string>();
  const wake = (name: string): void => watchers.get(name)?.forEach((onChange) => setImmediate(onChange));
  const known = (name: string): KnownService =>
    services.get(name) ?? { name, endpoints: [], exists: false, isHeard: true };
  return {
    ...{ hosts, slow, unknown, remembered },
    get followed() {
      return [...watchers].flatMap(([name, of]) => (of.size > 0 ? [name] : [])).sort();
    },
    set(name, endpoints) {
      services.set(name, { name, endpoints, exists: true, isHeard: !remembered.has(name) });
      wake(name);
    },
    forget(name) {
      services.delete(name);
      wake(name);
    },
    service(name, mayWait = true) {
      if (slow.has(name) && !mayWait) throw new UnknownYet(name);
      if (slow.delete(name))
        return new Promise((resolve, reject) => {
          setImmediate(() => (unknown.has(name) ? reject(new UnknownYet(name)) : resolve(known(name))));
        });
      if (unknown.has(name)) throw new UnknownYet(name);
      return known(name);
    },
    hostAddress(name, mayWait = true) {
      if (unknown.has(name) || (slow.has(name) && !mayWait)) throw new UnknownYet(name);
      return slow.delete(name) ? Promise.resolve(hosts.get(name)) : hosts.get(name);
    },
    hostAt: (address) => [...hosts].find(([, one]) => one === address)?.[0],
    subscribe(name, onChange) {
      const of = watchers.get(name) ?? new Set();
      watchers.set(name, of.add(onChange));
      return () => void of.delete(onChange);
    },
  };
}

/** "web-2-x7k2" on 10.0.0.2, slot 2, with a port "http" of 31002, unless it is told otherwise. */
export function fakeEndpoint(instance: string, other: Partial<KnownEndpoint> = {}): KnownEndpoint {
  const slot = Number(/-(\d+)-[a-z2-7]{4}$/.exec(instance)?.[1] ?? 0);
  const port = 31_000 + slot;
  return {
    ...{ instance, slot, port, ports: { http: port }, host: `10.0.0.${slot}`, hostName: `h${slot}` },
    ...{ release: 1, labels: {}, weight: 100, protocols: {}, isStale: false },
    ...other,
  };
}
