import { decodeDocument, DocumentError } from '../../lib/documents/codec';
import type { Endpoint } from '../../lib/documents/types';
import type { KeyValue } from '../../lib/etcd/store';
import type { KnownEndpoint } from './discovery';

/** One as etcd had it. */
export interface ReadEndpoint extends KnownEndpoint {
  /** Of what it was read from; 0: from the copy on disk. */
  readonly modRevision: number;
  /** Of that text: in a store that was restored another one can have the same revision. */
  readonly hash: number;
}

type Shared = Pick<Endpoint, 'host' | 'hostName' | 'labels'>;

/** With more they are begun anew: that costs memory, and nothing else. */
const MAX_SHARED = 10_000;

const ALL_TCP: Endpoint['protocols'] = Object.freeze({});

/**
 * Reads endpoints, and keeps one copy of what many of them share: those of one host have its address, name and labels.
 */
export class EndpointReader {
  private readonly shared = new Map<string, Shared>();
  private readonly hosts = new Map<string, string>();

  /** @throws DocumentError */
  read(instance: string, { value, modRevision }: KeyValue): ReadEndpoint {
    const endpoint = decodeEndpoint(value);
    const { host, hostName, labels } = this.share(endpoint);
    const { port, ports, release, slot, weight } = endpoint;
    const protocols = Object.keys(endpoint.protocols).length === 0 ? ALL_TCP : endpoint.protocols;
    const hash = hashOf(value);
    // Written out, all of them have one shape for V8: copied with "...", each has its own, of 500 bytes.
    return {
      host,
      port,
      ports,
      release,
      labels,
      hostName,
      slot,
      weight,
      protocols,
      instance: ownText(instance),
      isStale: false,
      modRevision,
      hash,
    };
  }

  /** Name of the host of the last endpoint that was read with this address. */
  hostAt(address: string): string | undefined {
    return this.hosts.get(address);
  }

  private share({ host, hostName, labels }: Endpoint): Shared {
    const name = JSON.stringify([host, hostName, labels]);
    const known = this.shared.get(name);
    if (known !== undefined) return known;
    const ours = { host, hostName, labels };
    if (this.shared.size >= MAX_SHARED) for (const map of [this.shared, this.hosts]) map.clear();
    this.shared.set(name, ours);
    if (hostName !== '') this.hosts.set(host, hostName);
    return ours;
  }
}

/** It was read from this very text. */
export function isReadFrom({ modRevision, hash }: ReadEndpoint, kv: KeyValue): boolean {
  return modRevision === kv.modRevision && hash === hashOf(kv.value);
}

/** V8 makes a part of a text a reference to the whole of it, which it keeps: here the key, of three times the size. */
function ownText(text: string): string {
  return Buffer.from(text).toString();
}

/** FNV-1a, 32 bits: http://www.isthe.com/chongo/tech/comp/fnv */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}

const MAX_PORT = 65_535;

/** One that can be answered: whoever wrote it. @throws DocumentError */
export function decodeEndpoint(text: string): Endpoint {
  const endpoint = decodeDocument('Endpoint', text);
  const { host, port, ports, weight } = endpoint;
  if (host === '') throw new DocumentError('wrong-type', 'host', 'an address is wanted');
  const named = Object.entries(ports).map(([name, number]) => [`ports.${name}`, number] as const);
  for (const [path, number] of [['port', port] as const, ...named])
    if (number < 0 || number > MAX_PORT) throw new DocumentError('out-of-range', path, `${number} is no port`);
  if (weight < 0 || weight > MAX_PORT) throw new DocumentError('out-of-range', 'weight', `${weight} is no weight`);
  return endpoint;
}
