/** What is answered to whom asks for a name of the domain: docs/discovery.md. */
import { isDnsLabel } from '../../../lib/names';
import type { KnownEndpoint, KnownService } from '../../discovery/discovery';
import { addressTypeOf } from '../addresses';
import type { Asked, AskedOfService } from './names';
import { NODATA, NXDOMAIN, single, type Answer, type AskedType, type Choice, type RecordData } from './records';

/** Seconds for which a resolver may keep that there is nothing: an instance may be healthy in the next one. */
export const NEGATIVE_TTL_S = 1;
/** RFC 2782: the lower one is tried first. */
const PRIORITY = { near: 1, far: 2 } as const;

/** Who answers. */
export interface View {
  /** "berth" */
  readonly domain: string;
  /** Name of this host. */
  readonly host: string;
  /** Endpoints with this label come first; undefined: none does. */
  readonly preferredZone: string | undefined;
}

export function startOfAuthority({ domain, host }: View): RecordData {
  const mailbox = `hostmaster.${domain}`;
  return { type: 'SOA', host: hostName(host, domain), mailbox, negativeTtl: NEGATIVE_TTL_S };
}

export const hostName = (host: string, domain: string): string => `${host}.host.${domain}`;

/** Of the names that are there whatever runs. */
export function fixedAnswer(kind: 'apex' | 'branch' | 'nothing', type: AskedType, view: View): Answer {
  if (kind === 'nothing') return NXDOMAIN;
  if (kind === 'branch') return NODATA;
  if (type === 'SOA') return single(startOfAuthority(view));
  if (type === 'NS') return single({ type, target: hostName(view.host, view.domain) });
  return type === 'ANY' ? single({ type: 'HINFO' }) : NODATA;
}

/** @param address undefined when there is no such host */
export function hostAnswer(address: string | undefined, type: AskedType): Answer {
  if (address === undefined) return NXDOMAIN;
  const own = addressTypeOf(address);
  if (own === type) return single({ type: own, address });
  return type === 'ANY' ? single({ type: 'HINFO' }) : NODATA;
}

/** @param service the one that the name is of */
export function serviceAnswer(asked: AskedOfService, type: AskedType, service: KnownService, view: View): Answer {
  const { endpoints } = service;
  if (!service.exists && endpoints.length === 0) return NXDOMAIN;
  // Which ports it has is not known as long as none of its instances is healthy.
  if (asked.kind !== 'instance' && endpoints.length === 0) return NODATA;
  const leftOut = new Map<string, string>();
  const named = endpoints.filter((one) => {
    const whyNot = whyNotNamed(one, asked);
    if (whyNot !== undefined) leftOut.set(one.instance, whyNot);
    return whyNot === undefined;
  });
  if (named.length === 0) return { ...NXDOMAIN, leftOut };
  if (asked.kind === 'protocol') return { ...NODATA, leftOut };
  if (type === 'ANY') return { ...single({ type: 'HINFO' }), leftOut };
  if (type === 'SRV') return { exists: true, choices: portsOf(named, asked, view, leftOut), leftOut };
  if ((type === 'A' || type === 'AAAA') && asked.kind !== 'port')
    return { exists: true, choices: addressesOf(named, type, view, leftOut), leftOut };
  return { ...NODATA, leftOut };
}

function whyNotNamed(endpoint: KnownEndpoint, asked: AskedOfService): string | undefined {
  switch (asked.kind) {
    case 'service':
      return undefined;
    case 'instance':
      return endpoint.instance === asked.instance || `${asked.service}-${endpoint.slot}` === asked.instance
        ? undefined
        : 'it has another name';
    case 'protocol':
      return Object.keys(endpoint.ports).some((name) => protocolOf(endpoint, name) === asked.protocol)
        ? undefined
        : `it publishes no port of ${asked.protocol}`;
    case 'port':
      return portOf(endpoint, asked) === undefined
        ? `it publishes no port "${asked.port}" of ${asked.protocol}`
        : undefined;
  }
}

const protocolOf = (endpoint: KnownEndpoint, port: string): string =>
  Object.hasOwn(endpoint.protocols, port) ? endpoint.protocols[port]! : 'tcp';

/** The number of the port that is asked for. */
function portOf(endpoint: KnownEndpoint, asked: AskedOfService): number | undefined {
  if (asked.kind !== 'port') return endpoint.port > 0 ? endpoint.port : undefined;
  const found = Object.entries(endpoint.ports).find(
    ([name]) => name.toLowerCase() === asked.port && protocolOf(endpoint, name) === asked.protocol,
  );
  return found?.[1];
}

function portsOf(
  endpoints: readonly KnownEndpoint[],
  asked: Asked & AskedOfService,
  view: View,
  leftOut: Map<string, string>,
): readonly Choice[] {
  const choices: Choice[] = [];
  for (const endpoint of endpoints) {
    const port = portOf(endpoint, asked);
    const type = addressTypeOf(endpoint.host);
    if (port === undefined) leftOut.set(endpoint.instance, 'it publishes no port');
    else if (type === undefined) leftOut.set(endpoint.instance, noAddress(endpoint));
    else if (!isDnsLabel(endpoint.instance)) leftOut.set(endpoint.instance, 'its id is no label of DNS');
    else {
      const { isNear, weight } = placeOf(endpoint, view);
      const target = `${endpoint.instance}.${asked.service}.service.${view.domain}`;
      const priority = isNear ? PRIORITY.near : PRIORITY.far;
      const glue = { type, address: endpoint.host };
      choices.push({ record: { type: 'SRV', priority, weight, port, target }, glue, weight, isNear });
    }
  }
  return choices;
}

/** Each address once; the weights of instances that share one add up. */
function addressesOf(
  endpoints: readonly KnownEndpoint[],
  type: 'A' | 'AAAA',
  view: View,
  leftOut: Map<string, string>,
): readonly Choice[] {
  const choices = new Map<string, Choice>();
  for (const endpoint of endpoints) {
    const { host: address, instance } = endpoint;
    const own = addressTypeOf(address);
    if (own !== type) {
      leftOut.set(instance, own === undefined ? noAddress(endpoint) : `its address ${address} is for ${own}`);
      continue;
    }
    const { isNear, weight } = placeOf(endpoint, view);
    const other = choices.get(address);
    const sum = weight + (other?.weight ?? 0);
    choices.set(address, { record: { type, address }, weight: sum, isNear: isNear || (other?.isNear ?? false) });
  }
  return [...choices.values()];
}

function placeOf(endpoint: KnownEndpoint, { preferredZone }: View): { isNear: boolean; weight: number } {
  const isNear = preferredZone === undefined || endpoint.labels['zone'] === preferredZone;
  return { isNear, weight: Math.min(65_535, Math.max(1, endpoint.weight)) };
}

const noAddress = ({ host }: KnownEndpoint): string => `its host's address is no IP address: "${host}"`;
