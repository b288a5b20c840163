/** The names of everything that Berth keeps in etcd. No other file spells a key. */
export interface Keys {
  readonly prefix: string;
  /** Everything of this cluster: `<prefix>/`. */
  readonly all: string;
  readonly services: string;
  service(name: string): string;
  readonly serviceStatuses: string;
  serviceStatus(name: string): string;
  readonly releases: string;
  releasesOf(service: string): string;
  release(service: string, number: number): string;
  readonly assignments: string;
  assignment(host: string): string;
  readonly hosts: string;
  host(name: string): string;
  hostRecord(name: string): string;
  hostAlive(name: string): string;
  hostIntent(name: string): string;
  hostLoss(name: string): string;
  readonly statuses: string;
  status(host: string): string;
  readonly endpoints: string;
  endpointsOf(service: string): string;
  endpoint(service: string, instance: string): string;
  readonly pauses: string;
  /** @param kind "host", "service" or "instance" */
  pause(kind: string, name: string): string;
  /** Layers of config: "cluster", "services/<service>", "hosts/<host>". */
  readonly config: string;
  readonly clusterConfig: string;
  serviceConfig(service: string): string;
  hostConfig(host: string): string;
  readonly serviceIntents: string;
  serviceIntent(service: string): string;
  readonly clusterIntent: string;
  readonly clusterStatus: string;
  readonly leader: string;
}

/**
 * @param prefix starts with a slash and does not end with one, e.g. "/berth"
 * @returns keys of single documents without, and prefixes of many documents with, a slash at the end
 */
export function keysUnder(prefix: string): Keys {
  const under = (kind: string): string => `${prefix}/${kind}/`;
  return {
    prefix,
    all: `${prefix}/`,
    services: under('services'),
    service: (name) => under('services') + name,
    serviceStatuses: under('service-status'),
    serviceStatus: (name) => under('service-status') + name,
    releases: under('releases'),
    releasesOf: (service) => `${under('releases')}${service}/`,
    release: (service, number) => `${under('releases')}${service}/${number}`,
    assignments: under('assignments'),
    assignment: (host) => under('assignments') + host,
    hosts: under('hosts'),
    host: (name) => `${under('hosts')}${name}/`,
    hostRecord: (name) => `${under('hosts')}${name}/record`,
    hostAlive: (name) => `${under('hosts')}${name}/alive`,
    hostIntent: (name) => `${under('hosts')}${name}/intent`,
    hostLoss: (name) => `${under('hosts')}${name}/lost`,
    statuses: under('status'),
    status: (host) => under('status') + host,
    endpoints: under('endpoints'),
    endpointsOf: (service) => `${under('endpoints')}${service}/`,
    endpoint: (service, instance) => `${under('endpoints')}${service}/${instance}`,
    pauses: under('pauses'),
    pause: (kind, name) => `${under('pauses')}${kind}/${name}`,
    config: under('config'),
    clusterConfig: `${under('config')}cluster`,
    serviceConfig: (service) => `${under('config')}services/${service}`,
    hostConfig: (host) => `${under('config')}hosts/${host}`,
    serviceIntents: under('service-intents'),
    serviceIntent: (service) => under('service-intents') + service,
    clusterIntent: `${under('cluster')}intent`,
    clusterStatus: `${under('cluster')}status`,
    leader: under('leader'),
  };
}
