/** Names and addresses of a lab. Nothing here touches the machine. */

/** What a machine of the lab is for. The switch has the bridge that all others hang on. */
export type MachineKind = 'switch' | 'host' | 'etcd' | 'coordinator';
/** A process of the lab that can be killed and started by itself. */
export type PartKind = 'engine' | 'agent' | 'etcd' | 'coordinator';

export interface MachineLayout {
  /** `h1`, `e1`, `c1` */
  readonly name: string;
  readonly kind: MachineKind;
  readonly address: string;
}

export interface LabSize {
  readonly hosts: number;
  readonly etcd: number;
  readonly coordinators: number;
}

export interface Layout {
  readonly number: number;
  /** The lab's end of its own network on this machine: a link of this name, with the first address. */
  readonly uplink: { readonly device: string; readonly address: string };
  readonly machines: readonly MachineLayout[];
}

export const SWITCH = 'switch';
/** The third part of the address is the lab's number. */
export const MAX_LABS = 250;
/** About 115 MB of memory each. */
export const MAX_HOSTS = 50;
export const MAX_COORDINATORS = 9;
/** Others tolerate no more failures than the next smaller one. */
export const ETCD_SIZES = [1, 3, 5] as const;

/** For private use (RFC 1918), and seldom chosen; a lab looks whether its part of it is free all the same. */
const NETWORK = '10.214';
const FIRST = { host: 11, etcd: 201, coordinator: 211 } as const;

export const MACHINE_PARTS: Readonly<Record<MachineKind, readonly PartKind[]>> = {
  switch: [],
  host: ['engine', 'agent'],
  etcd: ['etcd'],
  coordinator: ['coordinator'],
};

/** @throws Error naming the bound that the size does not keep */
export function checkSize({ hosts, etcd, coordinators }: LabSize): void {
  if (!(Number.isInteger(hosts) && hosts >= 1 && hosts <= MAX_HOSTS))
    throw new Error(`the number of hosts is 1 to ${MAX_HOSTS}`);
  if (!(ETCD_SIZES as readonly number[]).includes(etcd))
    throw new Error(`the number of etcd members is one of ${ETCD_SIZES.join(', ')}`);
  if (!(Number.isInteger(coordinators) && coordinators >= 1 && coordinators <= MAX_COORDINATORS))
    throw new Error(`the number of coordinators is 1 to ${MAX_COORDINATORS}`);
}

export function layOut(number: number, size: LabSize): Layout {
  const some = (kind: 'host' | 'etcd' | 'coordinator', count: number): MachineLayout[] =>
    Array.from({ length: count }, (_, index) => ({
      name: `${kind[0]}${index + 1}`,
      kind,
      address: `${networkOf(number)}.${FIRST[kind] + index}`,
    }));
  return {
    number,
    uplink: { device: `berthlab${number}`, address: `${networkOf(number)}.1` },
    machines: [...some('etcd', size.etcd), ...some('coordinator', size.coordinators), ...some('host', size.hosts)],
  };
}

/** The first three parts of all addresses of a lab: a /24. */
export const networkOf = (number: number): string => `${NETWORK}.${number}`;

/** A machine keeps its hardware address over a power cut, so that its neighbours find it again at once. */
export const hardwareAddress = (address: string): string =>
  ['02', 'be', ...address.split('.').slice(0, 4)]
    .map((part, index) => (index < 2 ? part : Number(part).toString(16).padStart(2, '0')))
    .join(':');
