import { splitListen } from '../../../lib/listen-address';
import { codeOf } from '../../../lib/system-error';

/** Why DNS can't be answered there, for people, and what to do. @param address "host:port" */
export function listenFault(error: Error, address: string): Error {
  const { host, port } = splitListen(address);
  const told = ((): string | undefined => {
    switch (codeOf(error)) {
      case 'EADDRINUSE':
        return `another program has port ${port} of ${host} (EADDRINUSE); ss -lnptu 'sport = :${port}' says which`;
      case 'EADDRNOTAVAIL':
        return `${host} is no address of this host (EADDRNOTAVAIL)`;
      case 'EACCES':
        return `the agent may not have port ${port} (EACCES): below 1024 it wants root, or CAP_NET_BIND_SERVICE`;
      default:
        return undefined;
    }
  })();
  return told === undefined ? error : new Error(told, { cause: error });
}
