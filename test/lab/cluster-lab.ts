/**
 * A lab as its supervisor has it: machines, their parts, the network, and every verb on them.
 *
 * INVARIANTS
 * - Every process is a descendant of a machine's first process, and that of the supervisor: none outlives it.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureTestImage, importImage } from '../support/docker-images';
import { partSettings, type DaemonOptions } from './daemons';
import type { LabFolder } from './folder';
import { HELLO } from './hello-image';
import { MACHINE_PARTS, type Layout, type MachineLayout, type PartKind } from './layout';
import { Machine } from './machine';
import { Network } from './network';
import { Part, type PartState } from './part';

export interface MachineState extends MachineLayout {
  readonly power: 'on' | 'off';
  /** `whole`, or what is wrong with its link. */
  readonly network: string;
  readonly parts: readonly PartState[];
}

interface Place {
  readonly layout: MachineLayout;
  readonly machine: Machine;
  readonly parts: readonly Part[];
}

/** What `start` may be told besides. */
export interface StartOptions {
  /** For engines: containers outlive the engine (`--live-restore`). */
  readonly liveRestore?: boolean;
  /** Waits until it is ready, unless false: a daemon that is cut off from what it needs never is. */
  readonly wait?: boolean;
}

export class ClusterLab {
  readonly network: Network;
  private readonly places: ReadonlyMap<string, Place>;

  constructor(
    layout: Layout,
    private readonly folder: LabFolder,
    options: DaemonOptions,
  ) {
    this.network = new Network(layout, folder);
    this.places = new Map(
      layout.machines.map((place) => {
        const machine = new Machine(place, folder);
        if (place.kind === 'host') writeFileSync(join(folder.disk(place.name), 'daemon.json'), '{}\n');
        const settings = MACHINE_PARTS[place.kind].map((kind) =>
          partSettings(kind, place, { layout, folder, options }),
        );
        return [place.name, { layout: place, machine, parts: settings.map((each) => new Part(machine, each)) }];
      }),
    );
  }

  /** @param say told what is going on */
  async up(say: (stage: string) => void): Promise<void> {
    say('machines and their network');
    await this.network.boot();
    const places = [...this.places.values()];
    await Promise.all(places.map((place) => this.boot(place)));
    const start = (kind: PartKind): Promise<unknown> =>
      Promise.all(
        places.filter(({ layout }) => MACHINE_PARTS[layout.kind].includes(kind)).map((at) => begin(at, kind)),
      );
    say('etcd and Docker Engines');
    await Promise.all([start('etcd'), start('engine').then(() => this.loadImages(places))]);
    say('coordinators and agents');
    await Promise.all([start('coordinator'), start('agent')]);
  }

  async cutPower(): Promise<void> {
    await Promise.all([...this.places.values()].map(({ machine }) => machine.cutPower()));
    await this.network.cutPower();
  }

  /** SIGKILL to the whole machine, containers and all; its disk stays as it is. */
  async killHost(name: string): Promise<void> {
    const { machine, parts } = this.host(name);
    await machine.cutPower();
    await Promise.all(parts.map((part) => part.ended()));
  }

  /** Boots it, and starts its engine and its agent. */
  async startHost(name: string, { liveRestore, wait }: StartOptions): Promise<void> {
    const place = this.host(name);
    await this.boot(place);
    await begin(place, 'engine', { ...(liveRestore !== undefined && { liveRestore }) });
    await begin(place, 'agent', { ...(wait !== undefined && { wait }) });
  }

  part(name: string, kind: PartKind): Part {
    const part = this.place(name).parts.find((each) => each.kind === kind);
    if (part === undefined) throw new WrongName(`${name} has no ${kind}`);
    return part;
  }

  async startPart(name: string, kind: PartKind, options: StartOptions): Promise<void> {
    this.part(name, kind);
    await begin(this.place(name), kind, options);
  }

  /** @throws Error when the machine is off, and has no link */
  checkOn(name: string): void {
    if (!this.place(name).machine.isOn) throw new Error(`${name} is off`);
  }

  state(): readonly MachineState[] {
    return [...this.places.values()].map(({ layout, machine, parts }) => ({
      ...layout,
      power: machine.isOn ? 'on' : 'off',
      network: this.network.stateOf(layout.name),
      parts: parts.map((part) => part.state()),
    }));
  }

  private host(name: string): Place {
    const place = this.place(name);
    const { kind } = place.layout;
    if (kind !== 'host') throw new WrongName(`${name} is no host; it is for ${kind}`);
    return place;
  }

  private place(name: string): Place {
    const place = this.places.get(name);
    if (place === undefined)
      throw new WrongName(`there is no ${name} in this lab; there are ${[...this.places.keys()].join(', ')}`);
    return place;
  }

  private async boot({ layout, machine }: Place): Promise<void> {
    await machine.boot();
    await this.network.plug(machine, layout);
  }

  private async loadImages(places: readonly Place[]): Promise<void> {
    const engines = places
      .filter(({ layout }) => layout.kind === 'host')
      .map(({ layout }) => `unix://${this.folder.engineSocket(layout.name)}`);
    await Promise.all(engines.flatMap((engine) => [ensureTestImage(engine), importImage(HELLO, engine)]));
  }
}

/** A name that no machine of the lab has, or a part that this machine does not have. */
export class WrongName extends Error {}

async function begin({ parts }: Place, kind: PartKind, { liveRestore, wait }: StartOptions = {}): Promise<void> {
  const part = parts.find((each) => each.kind === kind)!;
  await part.start(liveRestore === true ? ['--live-restore'] : []);
  if (wait !== false) await part.ready();
}
