/**
 * Sockets that systemd made and hands over, at every start the same: sd_listen_fds(3). What is sent to them while no agent
 * runs waits in the kernel.
 */
import { readFile, readlink } from 'node:fs/promises';
import { isIPv6, SocketAddress } from 'node:net';
import { endianness } from 'node:os';
import { joinAddress } from '../../../lib/listen-address';

/** The first of them: SD_LISTEN_FDS_START. */
const FIRST_FD = 3;
/** More are a mistake. */
export const MAX_INHERITED = 64;
/** Of a socket that listens, and of one of UDP that is connected to nobody: proc(5). */
const LISTENS = { tcp: '0A', udp: '07' } as const;

export type Protocol = keyof typeof LISTENS;

export interface InheritedSocket {
  readonly fd: number;
  readonly protocol: Protocol;
  readonly family: 4 | 6;
  /** "host:port" that it is bound to. */
  readonly address: string;
}

export interface Inherited {
  readonly sockets: readonly InheritedSocket[];
  /** What was handed over and can't be used, for people. */
  readonly troubles: readonly string[];
}

type Environment = Record<string, string | undefined>;

/**
 * Those of this process. Takes them out of the environment, so that no process that this one starts believes they are its own.
 * Node has seen to it that none gets the descriptors.
 */
export async function takeInherited(environment: Environment, pid: number): Promise<Inherited> {
  const { fds, trouble } = inheritedFds(environment, pid);
  for (const name of ['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES', 'LISTEN_PIDFDID']) delete environment[name];
  if (fds.length === 0) return { sockets: [], troubles: trouble === undefined ? [] : [trouble] };
  const bound = await boundSockets();
  const sockets: InheritedSocket[] = [];
  const troubles: string[] = [];
  for (const fd of fds) {
    const place = await readlink(`/proc/self/fd/${fd}`).catch(() => 'nothing');
    const socket = bound.get(place);
    if (socket !== undefined) sockets.push({ fd, ...socket });
    else
      troubles.push(
        `descriptor ${fd} (${place}) is not a socket that DNS can be answered on: UDP, or TCP that listens. ` +
          'In the socket unit write ListenDatagram= and ListenStream=, each with an address and a port',
      );
  }
  return { sockets, troubles };
}

/** @returns no descriptor where they are meant for another process, or nobody handed over any */
export function inheritedFds(
  environment: Readonly<Environment>,
  pid: number,
): { readonly fds: readonly number[]; readonly trouble?: string } {
  const { LISTEN_FDS: count, LISTEN_PID: owner } = environment;
  if (count === undefined || owner !== String(pid)) return { fds: [] };
  if (!/^\d{1,3}$/.test(count) || Number(count) > MAX_INHERITED)
    return { fds: [], trouble: `LISTEN_FDS is "${count}", and no number of sockets from 0 to ${MAX_INHERITED}` };
  return { fds: Array.from({ length: Number(count) }, (_, at) => FIRST_FD + at) };
}

type Bound = Omit<InheritedSocket, 'fd'>;

/** Of this network, by their names in /proc/<pid>/fd. Node tells neither the family of a descriptor nor whether it listens. */
async function boundSockets(): Promise<ReadonlyMap<string, Bound>> {
  const found = new Map<string, Bound>();
  for (const protocol of ['udp', 'tcp'] as const)
    for (const family of [4, 6] as const) {
      const table = await readFile(`/proc/self/net/${protocol}${family === 6 ? '6' : ''}`, 'utf8').catch(() => '');
      for (const [name, address] of readSocketTable(table, LISTENS[protocol]))
        found.set(name, { protocol, family, address });
    }
  return found;
}

/** @param table as proc(5) has /proc/net/udp. @returns name in /proc/<pid>/fd and "host:port" of those in a state */
export function readSocketTable(table: string, wanted: string): readonly (readonly [string, string])[] {
  const found: (readonly [string, string])[] = [];
  for (const line of table.split('\n').slice(1)) {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    const [, host, port] = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(local ?? '') ?? [];
    if (state !== wanted || host === undefined || port === undefined || inode === undefined) continue;
    found.push([`socket:[${inode}]`, joinAddress(readHost(host), parseInt(port, 16))]);
  }
  return found;
}

/** Words of 32 bits, each in the order of this processor, of an address that is in the order of the network. */
function readHost(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  if (endianness() === 'LE') bytes.swap32();
  if (bytes.length === 4) return bytes.join('.');
  return shortest(bytes.toString('hex').replace(/(.{4})(?!$)/g, '$1:'));
}

/** As it is written by everybody: RFC 5952. */
const shortest = (address: string): string => new SocketAddress({ address, family: 'ipv6' }).address;

/** Whether a socket is the one at an address that settings or Docker say. @param listen "host:port" */
export function isBoundTo(socket: InheritedSocket, host: string, port: number): boolean {
  const own = isIPv6(host) ? shortest(host) : host;
  return port !== 0 && socket.address === joinAddress(own, port);
}
