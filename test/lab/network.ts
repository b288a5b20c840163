/**
 * The lab's network: a bridge on a machine of its own, a link to every other machine, and one to this machine.
 * Nothing but the last touches this machine's own network, and the kernel takes that away with the switch.
 */
import { join } from 'node:path';
import { run } from './command';
import type { LabFolder } from './folder';
import { hardwareAddress, SWITCH, type Layout, type MachineLayout } from './layout';
import { Machine } from './machine';
import { Part } from './part';

/** How a machine's link is worse than a good one. Each holds for both directions. */
export interface Slowness {
  readonly delayMs?: number;
  readonly lossPercent?: number;
  readonly rateKbit?: number;
}

const BRIDGE = 'br0';
/** The switch's end of the link to this machine. */
const UPLINK = 'uplink';
/** What delays, loses and holds back frames. A slow machine's link goes through it, instead of to the bridge. */
const WIRE = join(__dirname, 'bad-wire.pl');
/** The bridge between a slow machine's link and its wire, and the wire's ends there and at the bridge of all. */
const detourOf = (name: string): readonly [string, string, string] => [`${name}-side`, `${name}-near`, `${name}-far`];
/** The name of the link at the machine's end. */
const PORT = 'eth0';

export class Network {
  private readonly switch: Machine;
  private readonly cut = new Set<string>();
  private readonly slowed = new Map<string, { slowness: Slowness; wire: Part }>();

  constructor(
    private readonly layout: Layout,
    private readonly folder: LabFolder,
  ) {
    this.switch = new Machine({ name: SWITCH, kind: 'switch' }, folder);
  }

  /** @throws Error when the addresses are somebody else's, or the link's name is */
  async boot(): Promise<void> {
    const { device, address } = this.layout.uplink;
    const taken = await routeTo(address);
    if (taken !== undefined) throw new AddressesTaken(`the addresses around ${address} are taken: ${taken}`);
    await this.switch.boot();
    await this.inSwitch(`link add ${BRIDGE} type bridge\nlink set ${BRIDGE} up\n`);
    await run('ip', ['link', 'add', device, 'type', 'veth', 'peer', 'name', UPLINK, 'netns', String(this.switch.pid)]);
    await run('ip', ['-batch', '-'], `addr add ${address}/24 dev ${device}\nlink set ${device} up\n`);
    await this.inSwitch(`link set ${UPLINK} master ${BRIDGE} up\n`);
  }

  /** Gives a machine that has booted its link and its address. A cut or slow link is so again. */
  async plug(machine: Machine, { name, address }: MachineLayout): Promise<void> {
    // The link of a machine that lost its power goes a little later than its processes.
    await this.inSwitch(`link del ${name}\n`).catch(() => undefined);
    await this.inSwitch(
      `link add ${name} type veth peer name ${PORT} address ${hardwareAddress(address)} netns ${machine.pid}\n` +
        `link set ${name} master ${BRIDGE} up\n`,
    );
    await run(
      'nsenter',
      [`--net=/proc/${machine.pid}/ns/net`, 'ip', '-batch', '-'],
      `addr add ${address}/24 dev ${PORT}\nlink set ${PORT} up\n`,
    );
    if (this.cut.has(name)) await this.cutOff(name);
    const slowed = this.slowed.get(name);
    if (slowed !== undefined) await this.slow(name, slowed.slowness);
  }

  /** Pulls the cable. */
  async cutOff(name: string): Promise<void> {
    await this.inSwitch(`link set ${name} down\n`);
    this.cut.add(name);
  }

  /** Plugs the cable in again, and takes away what `slow` did. */
  async restore(name: string): Promise<void> {
    await this.straighten(name);
    await this.inSwitch(`link set ${name} up\n`);
    this.cut.delete(name);
  }

  /** Replaces what an earlier call did. @throws Error with the reason when this machine can't have such a wire */
  async slow(name: string, slowness: Slowness): Promise<void> {
    await this.straighten(name);
    const { delayMs = 0, lossPercent = 0, rateKbit = 0 } = slowness;
    const [side, near, far] = detourOf(name);
    const wire = new Part(this.switch, {
      kind: 'wire',
      log: this.folder.log(`${name}-wire`),
      command: ['perl', WIRE, near, far, ...[delayMs, lossPercent, rateKbit].map(String)],
      isReady: (said) => said.startsWith('up\n'),
    });
    await wire.start();
    await wire.ready();
    this.slowed.set(name, { slowness, wire });
    await this.inSwitch(
      `link add ${side} type bridge\nlink set ${side} up\n` +
        `link set ${near} master ${side} up\nlink set ${far} master ${BRIDGE} up\nlink set ${name} master ${side}\n`,
    );
  }

  /** For people: `whole`, or what is wrong with it. */
  stateOf(name: string): string {
    const { delayMs, lossPercent, rateKbit } = this.slowed.get(name)?.slowness ?? {};
    const words = [
      this.cut.has(name) ? 'cut off' : '',
      delayMs === undefined ? '' : `${delayMs} ms delay`,
      lossPercent === undefined ? '' : `${lossPercent} % loss`,
      rateKbit === undefined ? '' : `${rateKbit} kbit/s`,
    ].filter((word) => word !== '');
    return words.length === 0 ? 'whole' : words.join(', ');
  }

  cutPower(): Promise<void> {
    return this.switch.cutPower();
  }

  /** Takes away what `slow` did. */
  private async straighten(name: string): Promise<void> {
    const slowed = this.slowed.get(name);
    if (slowed === undefined) return;
    this.slowed.delete(name);
    const [side] = detourOf(name);
    await this.inSwitch(`link set ${name} master ${BRIDGE}\nlink del ${side}\n`).catch(() => undefined);
    await slowed.wire.kill();
  }

  private async inSwitch(batch: string): Promise<void> {
    await run('nsenter', [`--net=/proc/${this.switch.pid}/ns/net`, 'ip', '-batch', '-'], batch);
  }
}

/** Somebody else on this machine has the addresses of this number; another number may be free. */
export class AddressesTaken extends Error {}

/** A route of this machine to the address that is not its way to the whole world. */
async function routeTo(address: string): Promise<string | undefined> {
  const routes = JSON.parse((await run('ip', ['-j', 'route', 'show', 'match', address])) || '[]') as { dst: string }[];
  return routes.map(({ dst }) => dst).find((dst) => dst !== 'default');
}
