/** RFC 1123, section 2.1, and RFC 1035, section 2.3.4. */
export const MAX_LABEL_LENGTH = 63;
const DNS_LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

export const DNS_LABEL_RULE = 'a DNS label: 1 to 63 of a-z, 0-9 and "-", beginning and ending with a letter or digit';

export function isDnsLabel(name: string): boolean {
  return name.length <= MAX_LABEL_LENGTH && DNS_LABEL.test(name);
}

/** Letters that suffixes of instance ids are made of: RFC 4648 base32, lower case. */
export const SUFFIX_ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const SUFFIX_LENGTH = 4;

/**
 * @param random a source of numbers in [0, 1)
 * @returns an id such as "web-2-x7k2", itself a DNS label; the service's part is cut where it would be too long
 */
export function instanceId(service: string, slot: number, random: () => number): string {
  let suffix = '';
  for (let i = 0; i < SUFFIX_LENGTH; i++) suffix += SUFFIX_ALPHABET[Math.floor(random() * SUFFIX_ALPHABET.length)];
  const room = MAX_LABEL_LENGTH - `-${slot}-${suffix}`.length;
  // Joined, V8 makes one string of it, where "+" keeps the parts as well: a fleet has a million of them.
  return [service.slice(0, room), slot, suffix].join('-');
}
