/** Asks the kernel who has a port: by trying to bind it, and, when that fails, by looking for its owner. */
import { createSocket } from 'node:dgram';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { PortHolder } from '../engine';

/** @returns undefined when the port is free, as far as this process may know */
export async function whoHasPort(port: number, protocol: string, hostIp: string): Promise<PortHolder | undefined> {
  // Node can not bind it; Docker finds out when it starts the container.
  if (protocol === 'sctp') return undefined;
  // Docker binds both families when the operator names no address.
  for (const host of hostIp === '' ? ['0.0.0.0', '::'] : [hostIp]) {
    const refusal = await (protocol === 'udp' ? tryUdp(port, host) : tryTcp(port, host));
    if (refusal === 'EADDRINUSE')
      return { describe: async () => (await findOwner(port, protocol)) ?? 'another process' };
    if (refusal === 'EADDRNOTAVAIL' && host === hostIp)
      return { describe: () => Promise.resolve(`nobody, but ${host} is no address of this host`) };
    // Anything else is no news of the port: IPv6 is off, or the port is one that only root, and so Docker, may bind.
  }
  return undefined;
}

function tryTcp(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ port, host, exclusive: true, ipv6Only: host.includes(':') }, () =>
      server.close(() => resolve(undefined)),
    );
  });
}

function tryUdp(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const isV6 = host.includes(':');
    const socket = createSocket({ type: isV6 ? 'udp6' : 'udp4', ipv6Only: isV6 });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      resolve(error.code ?? error.message);
    });
    socket.bind({ port, address: host, exclusive: true }, () => socket.close(() => resolve(undefined)));
  });
}

const TCP_LISTEN = '0A';

/** @returns the process that has the port open, as far as /proc may be read; see proc(5) */
async function findOwner(port: number, protocol: string): Promise<string | undefined> {
  const inodes = await socketInodes(port, protocol);
  if (inodes.size === 0) return undefined;
  for (const pid of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(pid)) continue;
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      if (!inodes.has(await readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''))) continue;
      const command = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim();
      return `process ${pid} (${command})`;
    }
  }
  return undefined;
}

/** Of the sockets that are bound to the port, as /proc/<pid>/fd spells them. */
async function socketInodes(port: number, protocol: string): Promise<ReadonlySet<string>> {
  const inodes = new Set<string>();
  for (const table of [protocol, `${protocol}6`]) {
    const text = await readFile(`/proc/net/${table}`, 'utf8').catch(() => '');
    for (const line of text.split('\n').slice(1)) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      const isBound = protocol === 'udp' || state === TCP_LISTEN;
      if (isBound && inode !== undefined && parseInt(local?.split(':')[1] ?? '', 16) === port)
        inodes.add(`socket:[${inode}]`);
    }
  }
  return inodes;
}
