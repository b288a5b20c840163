/**
 * Pure: what would become of the cluster if documents were written: the coordinator's own plans, on a copy of what is there,
 * with hosts that do as they are told and a clock that goes on by itself. Nothing of it is ever written.
 */
import { encodeDocument } from '../../lib/documents/codec';
import type { Assignment, HostLoss, Pause, Release, ServiceIntent, ServiceStatus } from '../../lib/documents/types';
import { PlacementIndex } from '../schedule/placement-index';
import { planCluster, type ClusterChanges, type ClusterInput } from '../schedule/plan-cluster';
import {
  newestOf,
  type ClusterView,
  type HostView,
  type Placement,
  type ServiceDocument,
  type Versioned,
} from '../view';
import { NOTHING_SAID, obey, type Known } from './obedient-host';

/** When nothing is said of how long to wait. */
const TICK_MS = 1000;

export interface RehearsalInput {
  readonly view: ClusterView;
  /** Texts that would be written, by service. */
  readonly documents: ReadonlyMap<string, string>;
  readonly pauses: readonly Pause[];
  readonly compile: ClusterInput['compile'];
  readonly random: () => number;
  readonly wallMs: number;
  /** Over that of everything in the view. */
  readonly revision: number;
}

const OVER: ReadonlySet<string> = new Set(['rolled-back', 'stopped']);

/** What was seen of one service on the way. */
export interface Seen {
  /** Phases that its rollout stayed in, with their reasons: "waiting: for db". */
  readonly phases: readonly string[];
  /** Why instances could not be placed, by host, at the last look at which there were any. */
  readonly unplaced: ServiceStatus['unplaced'];
}

const NOTHING_SEEN: Seen = { phases: [], unplaced: [] };

export class Rehearsal {
  private readonly services: Map<string, ServiceDocument>;
  private readonly releases: Map<string, ReadonlyMap<number, Release>>;
  private readonly hosts: Map<string, HostView>;
  private readonly statuses: Map<string, Versioned<ServiceStatus | undefined>>;
  private readonly intents: Map<string, Versioned<ServiceIntent>>;
  private readonly index: PlacementIndex;
  private readonly seen = new Map<string, Seen>();
  private revision: number;
  private wallMs: number;

  constructor(private readonly input: RehearsalInput) {
    const { view, documents } = input;
    this.revision = input.revision;
    this.wallMs = input.wallMs;
    this.services = new Map(view.services);
    for (const [service, text] of documents) this.services.set(service, { text, modRevision: ++this.revision });
    this.releases = new Map(view.releases);
    this.hosts = new Map(view.hosts);
    this.statuses = new Map(view.serviceStatuses);
    this.intents = new Map(view.serviceIntents);
    this.index = new PlacementIndex(this.hosts, this.releases);
  }

  /** One plan, and all that hosts do of it. @returns false when nothing more would ever happen */
  step(): boolean {
    const changes = planCluster({
      ...{ ...this.input, view: this.view, wallMs: this.wallMs },
      services: this.planned(),
    });
    const isChanged = this.write(changes);
    this.promote();
    if (isChanged) return true;
    const waits = [...changes.againInMs.values()];
    if (waits.length === 0) return false;
    this.wallMs += Math.max(TICK_MS, Math.min(...waits));
    return true;
  }

  /** Every document was read, and nothing is under way for it any more. */
  get isSettled(): boolean {
    return [...this.input.documents.keys()].every((service) => {
      const status = this.statusOf(service);
      const isRead = status?.serviceRevision === this.services.get(service)!.modRevision;
      return isRead && (status.move === undefined || OVER.has(status.move.phase));
    });
  }

  placementsOf(service: string): readonly Placement[] {
    return this.index.ofService(service).filter(({ isBefore }) => !isBefore);
  }

  releaseOf(service: string, number: number): Release | undefined {
    return this.releases.get(service)?.get(number);
  }

  statusOf(service: string): ServiceStatus | undefined {
    return this.statuses.get(service)?.document;
  }

  seenOf(service: string): Seen {
    return this.seen.get(service) ?? NOTHING_SEEN;
  }

  private get view(): ClusterView {
    const { services, releases, hosts, index } = this;
    return {
      ...this.input.view,
      ...{ services, releases, hosts, index, serviceStatuses: this.statuses, serviceIntents: this.intents },
    };
  }

  /** What would be written, and what is under way: others wait for its end. */
  private planned(): ReadonlySet<string> {
    const moving = [...this.statuses].filter(([, { document }]) => document?.move !== undefined).map(([name]) => name);
    return new Set([...this.input.documents.keys(), ...moving]);
  }

  private write(changes: ClusterChanges): boolean {
    for (const release of changes.releases) {
      const known = this.releases.get(release.service) ?? new Map<number, Release>();
      this.releases.set(release.service, new Map(known).set(release.number, release));
      this.index.releaseChanged(release.service, release.number);
    }
    for (const [name, document] of changes.losses) this.note(name, document);
    for (const [host, assignment] of changes.assignments) this.assign(host, assignment);
    const statuses = [...changes.statuses].filter(([service, status]) => this.say(service, status));
    return changes.releases.length + changes.assignments.size + statuses.length > 0;
  }

  private readonly known: Known = {
    releaseOf: (service, number) => this.releaseOf(service, number),
    unpinnedReason: (service, image) => {
      const release = newestOf(this.releases.get(service));
      return release?.unpinned === true && release.image === image ? release.unpinnedReason : undefined;
    },
  };

  private note(name: string, document: HostLoss | undefined): void {
    const { loss: before, ...host } = this.hosts.get(name)!;
    if (before === undefined && document === undefined) return;
    const loss = document && { document, modRevision: ++this.revision };
    this.hosts.set(name, { ...host, ...(loss && { loss }) });
    this.index.hostChanged(name);
  }

  private assign(name: string, assignment: Assignment): void {
    const host = this.hosts.get(name)!;
    const said = host.status ?? NOTHING_SAID;
    const status = host.isLive ? obey(assignment, said, this.known) : said;
    const written = { assignment, assignmentRevision: ++this.revision, isAssignmentGarbage: false };
    this.hosts.set(name, { ...host, ...written, status });
    this.index.hostChanged(name);
  }

  /** @returns whether that is news */
  private say(service: string, status: ServiceStatus | undefined): boolean {
    const before = this.statusOf(service);
    if (status === undefined) return this.statuses.delete(service);
    this.look(service, status);
    if (before !== undefined && encodeDocument('ServiceStatus', before) === encodeDocument('ServiceStatus', status))
      return false;
    this.statuses.set(service, { document: status, modRevision: ++this.revision });
    return true;
  }

  private look(service: string, { move, unplaced, rollout, serviceRevision }: ServiceStatus): void {
    // What is under way for the document that is there now is no part of what would follow.
    const isRead = serviceRevision === this.services.get(service)?.modRevision;
    if (!isRead || !this.input.documents.has(service)) return;
    const known = this.seenOf(service);
    const phase = move === undefined || rollout !== 'rolling' ? undefined : describe(move);
    const isNew = phase !== undefined && !known.phases.includes(phase);
    const phases = isNew ? [...known.phases, phase] : known.phases;
    this.seen.set(service, { phases, unplaced: unplaced.length > 0 ? unplaced : known.unplaced });
  }

  /** As an operator would who finds nothing wrong with the canaries. */
  private promote(): void {
    for (const service of this.input.documents.keys()) {
      const move = this.statusOf(service)?.move;
      const before = this.intents.get(service);
      if (move?.phase !== 'canary' || before?.document.promote === move.to) continue;
      const document = { ...before?.document, promote: move.to };
      this.intents.set(service, { document, modRevision: ++this.revision });
    }
  }
}

function describe({ phase, reason }: NonNullable<ServiceStatus['move']>): string {
  return reason === '' ? phase : `${phase}: ${reason}`;
}
