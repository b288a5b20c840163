/** Writes a host's assignment and releases by itself, as a coordinator would: for lives of hosts without one. */
import { encodeDocument } from '../../lib/documents/codec';
import type {
  AssignedInstance,
  Assignment,
  ContainerSpec,
  DeploySpec,
  Pause,
  Release,
} from '../../lib/documents/types';
import type { MemoryStore } from '../../lib/etcd/memory-store';
import { takenFrom } from '../../lib/release/config';
import { releaseHash } from '../../lib/release/release-hash';
import { releaseOf } from '../support/desired';
import { keys } from './simulated-cluster';
import { JOB_COMMAND } from './simulated-host';

export interface Wish {
  readonly config?: Release['config'];
  readonly container?: Partial<ContainerSpec>;
  readonly deploy?: Partial<DeploySpec>;
}

export class Assigner {
  /** The newest of each service. */
  readonly releases = new Map<string, Release>();
  /** Service of each instance that is wanted. */
  readonly instances = new Map<string, string>();
  /** Release of each `before` job that is wanted. */
  readonly jobs = new Map<string, Release>();
  readonly held = new Set<string>();
  /** The host's own values of config. */
  config: Readonly<Record<string, string>> = {};
  pauses: readonly Pause[] = [];
  /** Services whose newest release is to be prefetched. */
  readonly prefetch = new Set<string>();
  /** By service: what the host is asked. */
  readonly questions = new Map<string, Assignment['resolve'][string]>();
  private revision = 0;
  private placed = 0;

  constructor(
    private readonly etcd: MemoryStore,
    private readonly host: string,
  ) {}

  /** A new release of the service, for all of its instances. */
  async edit(service: string, { container = {}, deploy = {}, config = {} }: Wish): Promise<void> {
    const number = (this.releases.get(service)?.number ?? 0) + 1;
    const base = releaseOf(service, { number });
    const release: Release = {
      ...{ ...base, config },
      container: { ...base.container, ...container },
      deploy: { ...base.deploy, before: { command: [JOB_COMMAND], timeoutMs: 60_000 }, ...deploy },
    };
    this.releases.set(service, release);
    await this.put(keys.release(service, number), encodeDocument('Release', release));
  }

  /** @returns the id of the new instance */
  place(service: string): string {
    const id = `${service}-${++this.placed}`;
    this.instances.set(id, service);
    return id;
  }

  /** @returns the id of a new job of the service's newest release */
  placeJob(service: string): string {
    const id = `${service}-before-${++this.placed}`;
    this.jobs.set(id, this.releases.get(service)!);
    return id;
  }

  /** Makes what was said since the last time known to the host. */
  async commit(): Promise<void> {
    const instances = [...this.instances].map(([id, service]) => {
      const release = this.releases.get(service)!;
      const slot = Number(id.slice(service.length + 1));
      return [id, this.assigned(release, slot, false)] as const;
    });
    const jobs = [...this.jobs].map(([id, release]) => [id, this.assigned(release, 0, true)] as const);
    const prefetch = [...this.prefetch].map((service) => `${service}@${this.releases.get(service)!.number}`);
    const assignment = encodeDocument('Assignment', {
      ...{ revision: ++this.revision, instances: Object.fromEntries([...instances, ...jobs]), prefetch },
      ...{ held: [...this.held], pauses: this.pauses, resolve: Object.fromEntries(this.questions) },
    });
    await this.put(keys.assignment(this.host), assignment);
  }

  /** Everything again, as after the loss of etcd. */
  async rewrite(): Promise<void> {
    for (const release of [...this.jobs.values(), ...this.releases.values()])
      await this.put(keys.release(release.service, release.number), encodeDocument('Release', release));
    await this.commit();
  }

  private assigned(release: Release, slot: number, before: boolean): AssignedInstance {
    const config = takenFrom(this.config, release.container);
    const { service, number } = release;
    return { service, slot, release: number, hash: releaseHash(release), config, before };
  }

  private async put(key: string, value: string): Promise<void> {
    await this.etcd.txn({ compares: [], writes: [{ op: 'put', key, value }] });
  }
}
