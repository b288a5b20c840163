/** One service before its next release: its document, config, hosts and status, and what is decided from them. */
import { compileService } from '../../coordinator/compose/compile';
import { decideRelease, type ReleaseDecision } from '../../coordinator/releases/cut-release';
import type { ClusterView, ConfigLayer, HostView, Placement } from '../../coordinator/view';
import { emptyDocument } from '../../lib/documents/codec';
import type { InstanceStatus, Release, Rollout, ServiceIntent } from '../../lib/documents/types';

type Values = Readonly<Record<string, string>>;

const NO_MOVE: Rollout = {
  ...{ from: 0, to: 0, phase: 'resolving', reason: '', isRollback: false, failedRelease: 0, failedRevision: 0 },
  ...{ startedAtMs: 0, phaseSinceMs: 0, nextBatchAtMs: 0, watched: {}, failures: {}, moved: 0, total: 0 },
  ...{ promoted: false, beforeDone: false, job: '', asked: '', question: 0, asks: 0, lastExits: {}, noDigest: {} },
};

export class ReleaseScene {
  readonly hosts = new Map<string, HostView>();
  readonly releases = new Map<number, Release>();
  readonly unreadable = new Set<number>();
  readonly cluster = new Map<string, string>();
  readonly own = new Map<string, string>();
  readonly reports: { host: HostView; id: string; status: InstanceStatus }[] = [];
  intent: ServiceIntent = emptyDocument('ServiceIntent');
  placements: readonly Placement[] = [];
  move: Rollout | undefined;
  text = '';
  revision = 1;
  wallMs = 1.8e12;

  constructor(...hosts: readonly string[]) {
    for (const name of hosts) this.addHost(name);
  }

  addHost(name: string, labels: Values = {}): this {
    this.hosts.set(name, {
      ...{ name, isLive: true, assignmentRevision: 1, isAssignmentGarbage: false },
      ...{ record: { ...emptyDocument('HostRecord'), labels }, status: emptyDocument('HostStatus') },
      assignment: emptyDocument('Assignment'),
    });
    return this;
  }

  change(name: string, change: Partial<HostView>): this {
    this.hosts.set(name, { ...this.hosts.get(name)!, ...change });
    return this;
  }

  /** @param lines of the service, after its image */
  put(image: string, lines = ''): this {
    this.text = `image: ${image}\n${lines}`;
    this.revision++;
    return this;
  }

  place(...hosts: readonly string[]): this {
    this.placements = hosts.map((host, index) => ({
      ...{ id: `web-${index + 1}-a`, host, service: 'web', slot: index + 1, release: 1, isReported: false, config: {} },
      isBefore: false,
    }));
    return this;
  }

  /** The host that was asked says so. */
  answer(digest: string, problem = ''): this {
    const { asked, question } = this.move!;
    const resolved = { web: { question, digest, problem } };
    return this.change(asked, { status: { ...emptyDocument('HostStatus'), resolved } });
  }

  wait(ms: number): this {
    this.wallMs += ms;
    return this;
  }

  get newest(): Release | undefined {
    return this.releases.get(Math.max(0, ...this.releases.keys()));
  }

  /** Decides, and writes down what was decided, as a plan does. */
  decide(): ReleaseDecision {
    const decision = decideRelease(this.input, this.newest);
    const { release, resolving } = decision;
    if (release !== undefined) this.releases.set(release.number, release);
    for (const [name, host] of this.hosts) {
      const { image, question } = resolving ?? { image: '', question: 0 };
      const resolve: Record<string, { image: string; question: number }> =
        resolving?.asked === name ? { web: { image, question } } : {};
      this.hosts.set(name, { ...host, assignment: { ...emptyDocument('Assignment'), resolve } });
    }
    this.move = resolving && { ...NO_MOVE, ...pick(resolving) };
    return decision;
  }

  /** Decides until nothing more is to be waited for; every host that is asked answers with its digest. */
  cut(digest: string): Release | undefined {
    const first = this.decide();
    return (first.resolving === undefined ? first : this.answer(digest).decide()).release;
  }

  private get input(): Parameters<typeof decideRelease>[0] {
    const compiled = compileService('web', this.text);
    return {
      ...{ service: 'web', view: this.view, placements: this.placements, reports: () => this.reports },
      ...{ document: { compiled, modRevision: this.revision }, wallMs: this.wallMs },
    };
  }

  private get view(): ClusterView {
    const layer = (values: ReadonlyMap<string, string>): ConfigLayer => ({ values, modRevision: 1 });
    const status = { ...emptyDocument('ServiceStatus'), ...(this.move && { move: this.move }) };
    return {
      services: new Map([['web', { text: this.text, modRevision: this.revision }]]),
      releases: new Map([['web', this.releases]]),
      unreadableReleases: new Map([['web', this.unreadable]]),
      hosts: this.hosts,
      serviceStatuses: new Map([['web', { document: status, modRevision: 1 }]]),
      pauses: new Map(),
      config: { cluster: layer(this.cluster), services: new Map([['web', layer(this.own)]]), hosts: new Map() },
      serviceIntents: new Map([['web', { document: this.intent, modRevision: 1 }]]),
      clusterIntent: { document: emptyDocument('ClusterIntent'), modRevision: 0 },
      clusterStatus: { document: emptyDocument('ClusterStatus'), modRevision: 0 },
      problems: [],
    };
  }
}

function pick({
  asked,
  question,
  asks,
  noDigest,
  reason,
}: NonNullable<ReleaseDecision['resolving']>): Partial<Rollout> {
  return { asked, question, asks, noDigest, reason };
}
