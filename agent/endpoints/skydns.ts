/** Pure: the record that CoreDNS's etcd plugin and SkyDNS read for an endpoint. */
import type { Endpoint } from '../../lib/documents/types';

import type { WantedEndpoint } from './wanted-endpoints';

export interface SkyDns {
  /** Lower case: "cluster.local". */
  readonly domain: string;
  /** Seconds that an answer may be kept. */
  readonly ttlS: number;
}

/** What a record without a weight has. */
const DEFAULT_WEIGHT = 100;

/** "web-1" of "web" in "cluster.local" stands under /skydns/local/cluster/web/web-1. */
export function skyDnsKey(
  { service, instance }: Pick<WantedEndpoint, 'service' | 'instance'>,
  { domain }: SkyDns,
): string {
  return ['/skydns', ...domain.split('.').reverse(), service, instance].join('/').toLowerCase();
}

/** One port for each record: the first. */
export function skyDnsRecord({ host, port, weight }: Endpoint, { ttlS: ttl }: SkyDns): string {
  return JSON.stringify({
    host,
    ...(port > 0 && { port }),
    ...(weight !== DEFAULT_WEIGHT && { weight }),
    ttl,
  });
}
