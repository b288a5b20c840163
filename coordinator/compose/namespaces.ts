/** The namespaces of the kernel that a container has of its own, or shares with its host: ipc, pid, userns_mode, cgroup. */
import type { ContainerSpec } from '../../lib/documents/types';
import type { Parsed, Reader } from './read';

export function readNamespaces(service: Reader): Pick<ContainerSpec, 'ipc' | 'pid' | 'usernsMode' | 'cgroup'> {
  const mode = (key: string, modes: readonly string[]): string =>
    service.at(key).parse((text) => parseMode(text, modes)) ?? '';
  return {
    ipc: mode('ipc', ['host', 'private', 'shareable', 'none']),
    pid: mode('pid', ['host']),
    usernsMode: mode('userns_mode', ['host']),
    cgroup: mode('cgroup', ['host', 'private']),
  };
}

function parseMode(text: string, modes: readonly string[]): Parsed<string> {
  if (text === '' || modes.includes(text)) return text;
  return withoutNamespaceOf(text) ?? { problem: `"${text}" is not ${modes.join(', ').replace(/, (\w+)$/, ' or $1')}` };
}

/** @returns why not, for what would join another container's namespace; undefined for anything else */
export function withoutNamespaceOf(text: string): { readonly problem: string } | undefined {
  if (!/^(?:service|container):/.test(text)) return undefined;
  return {
    problem: `"${text}": instances come and go one by one, and the other container would take this one with it; put both programs into one service, or connect them by a network`,
  };
}
