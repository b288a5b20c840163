/** What names stand for. All labels are in lower case here. */
import { isDnsLabel } from '../../../lib/names';

/** A name that is a service's, or is below one. */
export type AskedOfService =
  | { readonly kind: 'service'; readonly service: string }
  /** Of one instance by its id, or by its slot: "web-2". */
  | { readonly kind: 'instance'; readonly service: string; readonly instance: string }
  /** "_tcp.web.service.berth", which has nothing but names below it. */
  | { readonly kind: 'protocol'; readonly service: string; readonly protocol: string }
  | { readonly kind: 'port'; readonly service: string; readonly protocol: string; readonly port: string };

export type Asked =
  | AskedOfService
  | { readonly kind: 'host'; readonly host: string }
  /** The domain itself. */
  | { readonly kind: 'apex' }
  /** "service.berth" and "host.berth", which have nothing but names below them. */
  | { readonly kind: 'branch' }
  /** In the domain, and nobody's. */
  | { readonly kind: 'nothing' };

const NOTHING: Asked = { kind: 'nothing' };

/** @returns undefined for a name outside of the domain */
export function readName(labels: readonly string[], domain: readonly string[]): Asked | undefined {
  const depth = labels.length - domain.length;
  if (depth < 0 || domain.some((label, at) => labels[depth + at] !== label)) return undefined;
  if (depth === 0) return { kind: 'apex' };
  const branch = labels[depth - 1];
  if (branch !== 'service' && branch !== 'host') return NOTHING;
  if (depth === 1) return { kind: 'branch' };
  const name = labels[depth - 2]!;
  if (!isDnsLabel(name)) return NOTHING;
  if (branch === 'host') return depth === 2 ? { kind: 'host', host: name } : NOTHING;
  return depth > 4 ? NOTHING : readBelowService(name, labels.slice(0, depth - 2));
}

function readBelowService(service: string, [first, second]: readonly string[]): Asked {
  if (first === undefined) return { kind: 'service', service };
  if (second === undefined) {
    if (isUnderscored(first)) return { kind: 'protocol', service, protocol: first.slice(1) };
    return isDnsLabel(first) ? { kind: 'instance', service, instance: first } : NOTHING;
  }
  return isUnderscored(first) && isUnderscored(second)
    ? { kind: 'port', service, port: first.slice(1), protocol: second.slice(1) }
    : NOTHING;
}

/** RFC 2782 */
const isUnderscored = (label: string): boolean => label.length > 1 && label.startsWith('_');

/** "11.0.0.10.in-addr.arpa", or 32 hexadecimal digits under ip6.arpa (RFC 3596, section 2.5). @returns undefined for another name */
export function addressOfReverse(labels: readonly string[]): string | undefined {
  const [zone, arpa] = labels.slice(-2);
  if (arpa !== 'arpa') return undefined;
  const parts = labels.slice(0, -2).reverse();
  if (zone === 'in-addr' && parts.length === 4)
    return parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256) ? parts.join('.') : undefined;
  if (zone === 'ip6' && parts.length === 32)
    return parts.every((part) => /^[0-9a-f]$/.test(part)) ? parts.join('').replace(/.{4}(?=.)/g, '$&:') : undefined;
  return undefined;
}
