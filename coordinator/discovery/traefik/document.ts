/** Pure: Traefik's dynamic configuration from the labels of all services. */
import type { Release } from '../../../lib/documents/types';
import { PlacementIndex } from '../../schedule/placement-index';
import { newestOf, type ClusterView } from '../../view';
import type { LabelProblem, Tree, Value } from './labels';
import { PROTOCOLS, SECTIONS, type Protocol, type Section } from './schema';
import { serviceConfig, type InstanceReport } from './service-config';

export type TraefikView = Pick<ClusterView, 'hosts' | 'releases' | 'serviceStatuses' | 'index'>;

export type Reports = ReadonlyMap<string, readonly InstanceReport[]>;

export interface ServiceProblem extends LabelProblem {
  readonly service: string;
}

/** Gathers what services ask for, each in its turn and in the order of their names: of two that say otherwise the first counts. */
export class TraefikDocument {
  readonly problems: ServiceProblem[] = [];
  /** What it was made of, of services with labels. */
  readonly reports = new Map<string, readonly InstanceReport[]>();
  private readonly sections = Object.fromEntries(
    PROTOCOLS.map((protocol) => [protocol, { routers: {}, services: {}, middlewares: {} }]),
  ) as unknown as Record<Protocol, Record<Section, Tree>>;
  private readonly owners = new Map<string, string>();
  private readonly index: PlacementIndex;

  /** @param lastReports of services of which no host says anything */
  constructor(
    private readonly view: TraefikView,
    private readonly lastReports: Reports = new Map(),
  ) {
    this.index = view.index ?? new PlacementIndex(view.hosts, view.releases);
  }

  add(service: string): void {
    const release = releaseOf(this.view, service);
    if (release === undefined || !isLabelled(release)) return;
    const told = this.index.reportsOf(service);
    const reports = told.length > 0 ? told : (this.lastReports.get(service) ?? []);
    this.reports.set(service, reports);
    const config = serviceConfig(release, reports);
    for (const problem of config?.problems ?? []) this.problems.push({ service, ...problem });
    if (config === undefined) return;
    for (const protocol of PROTOCOLS)
      for (const section of SECTIONS)
        for (const [name, value] of Object.entries(config.sections[protocol][section]))
          this.put({ protocol, section, name }, value, service);
  }

  /** Traefik refuses a section that has nothing in it. */
  get text(): string {
    const whole = PROTOCOLS.flatMap((protocol) => {
      const filled = SECTIONS.flatMap((section) => {
        const names = Object.entries(this.sections[protocol][section]).sort(([a], [b]) => (a < b ? -1 : 1));
        return names.length === 0 ? [] : [[section, Object.fromEntries(names)] as const];
      });
      return filled.length === 0 ? [] : [[protocol, Object.fromEntries(filled)] as const];
    });
    return `${JSON.stringify(Object.fromEntries(whole)).replace(UNPRINTABLE, escaped)}\n`;
  }

  private put({ protocol, section, name }: Place, value: Value, service: string): void {
    const all = this.sections[protocol][section];
    const place = `traefik.${protocol}.${section}.${name}`;
    const before = Object.hasOwn(all, name) ? all[name] : undefined;
    if (before === undefined) {
      all[name] = value;
      this.owners.set(place, service);
      return;
    }
    const both = section === 'services' ? together(before, value) : before;
    if (both !== undefined && (section === 'services' || same(before, value))) return void (all[name] = both);
    const message = `${this.owners.get(place)} says otherwise of the same name, and counts; choose another name`;
    this.problems.push({ service, label: place, message });
  }
}

/** Traefik reads the document as YAML, which refuses these, and is content with their numbers. */
const UNPRINTABLE = /[\u007f-\u009f\ufeff\ufffe\uffff]/g;

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

interface Place {
  readonly protocol: Protocol;
  readonly section: Section;
  readonly name: string;
}

/** Several services may be one to Traefik, when they say the same of it: their servers are taken together. */
function together(a: Value, b: Value): Value | undefined {
  const [one, two] = [a, b].map((value) => (value as { loadBalancer: { servers: readonly Value[] } }).loadBalancer);
  if (!same({ ...one, servers: [] }, { ...two, servers: [] })) return undefined;
  return { loadBalancer: { ...one, servers: [...one!.servers, ...two!.servers] } as Tree };
}

function same(a: Value, b: Value): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** What is wrong with the labels of one service, others aside. */
export function labelProblems(view: TraefikView, service: string): readonly LabelProblem[] {
  const document = new TraefikDocument(view);
  document.add(service);
  return document.problems;
}

export function isLabelled({ container }: Release): boolean {
  for (const label in container.labels) if (/^traefik\./i.test(label)) return true;
  return false;
}

/** The one that is whole: what a rollout brings counts when it has landed. */
export function releaseOf({ releases, serviceStatuses }: TraefikView, service: string): Release | undefined {
  const known = releases.get(service);
  return known?.get(serviceStatuses.get(service)?.document?.currentRelease ?? 0) ?? newestOf(known);
}
