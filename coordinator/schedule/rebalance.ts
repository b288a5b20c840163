/**
 * Pure: which instances would be better off on other hosts. Nothing moves by itself when hosts come or labels change
 * (nothing moves without a reason); an operator asks for so many moves, sees them, and writes them down as
 * ClusterIntent.moves. The rollout machinery then replaces those instances within the update limits of their services.
 */
import type { Pause, Release } from '../../lib/documents/types';
import { whyFrozen } from '../rollouts/freeze';
import { isUsable, type ClusterView, type HostView, type Placement } from '../view';
import { HostQueue } from './choose-host';
import { isBoundToHost } from './fates';
import { fits, RULES } from './filters';
import { Heap } from './heap';
import { indexPauses, isPinned, withPausedHosts, type PauseIndex } from './pauses';
import { PlacementIndex } from './placement-index';
import { Usage } from './usage';

/** What ClusterIntent.moves holds, and enough for one look. */
export const MAX_MOVES = 1000;
/** Of the emptiest hosts, so many are asked whether they take an instance of the fullest one. */
const ASKED_HOSTS = 20;

export interface Move {
  /** Id of the instance that goes. */
  readonly id: string;
  readonly service: string;
  readonly from: string;
  /** The best host as things are; where it goes is decided when it goes. */
  readonly to: string;
  /** For people. */
  readonly reason: string;
}

/**
 * @param pauses in force
 * @param maxMoves at most MAX_MOVES
 * @returns the most urgent first: what breaks a rule, then what is unevenly spread, then who is on the fullest hosts
 */
export function planRebalance(
  view: ClusterView,
  { maxMoves, pauses }: { readonly maxMoves: number; readonly pauses: readonly Pause[] },
): readonly Move[] {
  const paused = indexPauses(pauses);
  const rebalance = new Rebalance(withPausedHosts(view, paused), paused, Math.min(maxMoves, MAX_MOVES));
  rebalance.mendRules();
  if (view.clusterIntent.document.placement !== 'binpack') {
    rebalance.spreadServices();
    rebalance.relieveHosts();
  }
  return rebalance.moves;
}

class Rebalance {
  readonly moves: Move[] = [];
  private readonly index: PlacementIndex;
  private readonly usage: Usage;
  private readonly moved = new Set<string>();

  constructor(
    private readonly view: ClusterView,
    private readonly pauses: PauseIndex,
    private readonly maxMoves: number,
  ) {
    this.index = view.index ?? new PlacementIndex(view.hosts, view.releases);
    this.usage = new Usage((host) => this.index.usageOf(host));
  }

  /** Instances that came before a label, a constraint or another service that speaks against them. */
  mendRules(): void {
    for (const service of this.services())
      for (const one of this.movable(service)) {
        if (this.isFull) return;
        const release = this.releaseOf(one);
        const host = this.view.hosts.get(one.host)!;
        this.usage.giveBack(one, release);
        const candidate = { host, usage: this.usage.of(one.host) };
        const broken = RULES.find((rule) => !rule.check(candidate, release))?.explain(candidate, release);
        this.usage.take(one, release);
        if (broken !== undefined) this.move(one, `${one.host} ${broken}`);
      }
  }

  /** Two more on one host, or on the hosts of one label's value, than where another one could be. */
  spreadServices(): void {
    for (const service of this.services()) {
      let worst = this.worstOf(service);
      for (; worst !== undefined && !this.isFull; worst = this.worstOf(service))
        if (!this.move(worst.one, worst.reason)) break;
    }
  }

  /** From the fullest hosts to the emptiest, as long as no service is spread worse for it. */
  relieveHosts(): void {
    const hosts = [...this.view.hosts.values()].filter(isUsable);
    const count = ({ name }: HostView): number => this.usage.of(name).instances;
    const byName = (a: HostView, b: HostView): number => (a.name < b.name ? -1 : 1);
    const fullest = new Heap(hosts, (a, b) => count(b) - count(a) || byName(a, b));
    while (!this.isFull) {
      const from = fullest.pop();
      if (from === undefined) return;
      const emptiest = [...hosts].sort((a, b) => count(a) - count(b) || byName(a, b)).slice(0, ASKED_HOSTS);
      if (this.relieve(from, emptiest)) fullest.push(from);
    }
  }

  private relieve(from: HostView, emptiest: readonly HostView[]): boolean {
    const { instances } = this.usage.of(from.name);
    for (const to of emptiest) {
      if (instances - this.usage.of(to.name).instances < 2) return false;
      for (const one of this.index.onHost(from.name)) {
        if (!this.isMovable(one) || this.countOn(one.host, one.service) <= this.countOn(to.name, one.service)) continue;
        const release = this.releaseOf(one);
        if (!fits({ host: to, usage: this.usage.of(to.name) }, release) || release.deploy.spread.length > 0) continue;
        const reason = `${from.name} has ${instances} instances, and ${to.name} has ${this.usage.of(to.name).instances}`;
        this.note(one, release, to.name, reason);
        return true;
      }
    }
    return false;
  }

  private get isFull(): boolean {
    return this.moves.length >= this.maxMoves;
  }

  private services(): readonly string[] {
    return [...this.view.releases.keys()].sort();
  }

  /** @returns the instance that is most in the way of an even spread, if another host is better by two */
  private worstOf(service: string): { readonly one: Placement; readonly reason: string } | undefined {
    const movable = this.movable(service);
    const labels = movable[0] === undefined ? [] : this.releaseOf(movable[0]).deploy.spread;
    for (const label of labels) {
      const value = ({ host }: { host: string }): string => this.view.hosts.get(host)?.record?.labels[label] ?? '';
      const found = this.mostOf(movable, service, value, (name) => `node.labels.${label} == ${name}`);
      if (found !== undefined) return found;
    }
    return this.mostOf(
      movable,
      service,
      ({ host }) => host,
      (name) => name,
    );
  }

  private mostOf(
    movable: readonly Placement[],
    service: string,
    groupOf: (placement: { readonly host: string }) => string,
    describe: (group: string) => string,
  ): { readonly one: Placement; readonly reason: string } | undefined {
    const counts = new Map<string, number>();
    const add = (host: string, count: number): void =>
      void counts.set(groupOf({ host }), (counts.get(groupOf({ host })) ?? 0) + count);
    for (const host of this.hostsOf(service)) add(host, this.countOn(host, service));
    const most = Math.max(0, ...counts.values());
    const one = movable.find((placement) => counts.get(groupOf(placement)) === most);
    if (most < 2 || one === undefined) return undefined;
    const best = this.bestFor(one);
    const there = best === undefined ? most : (counts.get(groupOf({ host: best })) ?? 0);
    if (best === undefined || most - there < 2) return undefined;
    const reason = `${most} of ${service} are on ${describe(groupOf(one))}, and ${there} on ${describe(groupOf({ host: best }))}`;
    return { one, reason };
  }

  private hostsOf(service: string): ReadonlySet<string> {
    const moved = this.moves.filter((move) => move.service === service).map(({ to }) => to);
    return new Set([...this.index.ofService(service).map(({ host }) => host), ...moved]);
  }

  private countOn(host: string, service: string): number {
    return this.usage.of(host).ofService.get(service) ?? 0;
  }

  /** Of a service that is at rest, those that may be moved and are not yet. */
  private movable(service: string): readonly Placement[] {
    return this.index.ofService(service).filter((one) => this.isMovable(one));
  }

  private isMovable(one: Placement): boolean {
    const status = this.view.serviceStatuses.get(one.service)?.document;
    const release = this.view.releases.get(one.service)?.get(one.release);
    if (status?.rollout !== 'steady' || release === undefined || one.release !== status.targetRelease) return false;
    const isHeld = this.moved.has(one.id) || one.isBefore || one.isReported || isPinned(this.pauses, one);
    const isLive = this.view.hosts.get(one.host)?.isLive === true;
    return isLive && !isHeld && !isBoundToHost(release) && !this.isHandsOff(one.service);
  }

  private isHandsOff(service: string): boolean {
    return this.pauses.service.has(service) || !this.view.services.has(service) || whyFrozen(this.view, service) !== '';
  }

  private releaseOf({ service, release }: Placement): Release {
    return this.view.releases.get(service)!.get(release)!;
  }

  private bestFor(one: Placement): string | undefined {
    return new HostQueue(this.view, this.usage, this.releaseOf(one)).best(one.host)?.name;
  }

  /** @returns false when no other host takes it */
  private move(one: Placement, reason: string): boolean {
    const to = this.bestFor(one);
    if (to === undefined) return false;
    this.note(one, this.releaseOf(one), to, reason);
    return true;
  }

  private note(one: Placement, release: Release, to: string, reason: string): void {
    const { id, service, host } = one;
    this.usage.giveBack(one, release);
    this.usage.take({ ...one, host: to }, release);
    this.moved.add(id);
    this.moves.push({ id, service, from: host, to, reason });
  }
}
