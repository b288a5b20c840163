import { SocketAddress, isIPv4, isIPv6 } from 'node:net';

/** Of the record that holds it; undefined for what is no IP address, or is one on one link alone ("fe80::1%eth0"). */
export function addressTypeOf(address: string): 'A' | 'AAAA' | undefined {
  if (isIPv4(address)) return 'A';
  return isIPv6(address) && !address.includes('%') ? 'AAAA' : undefined;
}

/** RFC 5952's spelling of an IPv6 address; others are left as they are. */
export function canonicalAddress(address: string): string {
  return addressTypeOf(address) === 'AAAA' ? new SocketAddress({ address, family: 'ipv6' }).address : address;
}
