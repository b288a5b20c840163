import type { Parsed } from './read';

const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);
const GROUP = /^[0-9a-fA-F]{1,4}$/;

/** An IPv4 or IPv6 address without brackets, zone or prefix; returned as written. */
export function parseIp(text: string): Parsed<string> {
  return IPV4.test(text) || isIpv6(text)
    ? text
    : { problem: `"${text}" is no IP address; write 127.0.0.1, or [::1] in the short form` };
}

export function parseIpv4(text: string): Parsed<string> {
  return IPV4.test(text) ? text : { problem: `"${text}" is no IPv4 address; write 10.0.0.2` };
}

export function parseIpv6(text: string): Parsed<string> {
  return isIpv6(text) ? text : { problem: `"${text}" is no IPv6 address; write fd00::2, without brackets` };
}

/** RFC 4291, section 2.2, without the form that ends in IPv4. */
function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  return groups.every((group) => GROUP.test(group)) && (halves.length === 2 ? groups.length < 8 : groups.length === 8);
}
