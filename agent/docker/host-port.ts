/** Asks the kernel who has a port: by trying to bind it, and, when that fails, by looking for its owner. */
import { createSocket } from 'node:dgram';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { createServer } from 'node:net';

/** @returns undefined when the port is free; otherwise its owner as well as /proc tells, for people */
export async function whoHasPort(port: number, protocol: string, hostIp: string): Promise<string | undefined> {
  const host = hostIp === '' ? '0.0.0.0' : hostIp;
  const refusal = protocol === 'udp' ? await tryUdp(port, host) : await tryTcp(port, host);
  if (refusal === undefined) return undefined;
  if (refusal === 'EADDRINUSE') return (await findOwner(port, protocol)) ?? 'another process';
  if (refusal === 'EADDRNOTAVAIL') return `nobody, but ${host} is no address of this host`;
  return `nobody that can be told (${refusal})`;
}

function tryTcp(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

function tryUdp(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      resolve(error.code ?? error.message);
    });
    socket.bind({ port, address: host, exclusive: true }, () => socket.close(() => resolve(undefined)));
  });
}

const TCP_LISTEN = '0A';

/** Inode of the listening socket from /proc/net, then the process that has it open; see proc(5). */
async function findOwner(port: number, protocol: string): Promise<string | undefined> {
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
