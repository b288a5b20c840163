import { isIP } from 'node:net';
import type { Parse } from './settings';

/**
 * Whom containers ask for names. "auto": the agent, on Docker's default bridge. "off": whom Docker gives them. Otherwise
 * these addresses.
 */
export type ContainerDns = 'auto' | 'off' | readonly string[];

export const asContainerDns: Parse<ContainerDns> = (text) => {
  if (text === 'auto') return 'auto';
  // YAML 1.1 readers, and people, take "off" for false.
  if (text === 'off' || text === 'false') return 'off';
  const addresses = text.split(',').map((part) => part.trim());
  for (const address of addresses)
    if (isIP(address) === 0)
      throw new Error(`"${text}" is not auto, off, or IP addresses of resolvers; Docker takes no port with them`);
  return Object.freeze(addresses);
};
