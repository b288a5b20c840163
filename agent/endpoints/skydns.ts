/** Pure: the record that CoreDNS's etcd plugin and SkyDNS read for an endpoint. */
import type { Endpoint } from '../../lib/documents/types';

import type { WantedEndpoint } from './wanted-endpoints';

export interface SkyDns {
  /** Lower case: "cluster.local". */
  readonly domain: string;
  /** Seconds that an answer may be kept. */
  readonly ttlS: number;
}

export interface SkyDnsRecord {
  readonly key: string;
  readonly value: string;
}

/** What a record without a weight has. */
const DEFAULT_WEIGHT = 100;

/** "web-1" of "web" in "cluster.local" stands under /skydns/local/cluster/web/web-1. One port for each record: the first. */
export function skyDnsRecord({ service, instance, endpoint }: WantedEndpoint, { domain, ttlS }: SkyDns): SkyDnsRecord {
  const labels = domain.split('.').reverse();
  return { key: ['/skydns', ...labels, service, instance].join('/').toLowerCase(), value: recordOf(endpoint, ttlS) };
}

function recordOf({ host, port, weight }: Endpoint, ttl: number): string {
  return JSON.stringify({
    host,
    ...(port > 0 && { port }),
    ...(weight !== DEFAULT_WEIGHT && { weight }),
    ttl,
  });
}
