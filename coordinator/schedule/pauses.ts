/** Pure: what the pauses in force keep a plan from. */
import type { Pause, ServiceStatus } from '../../lib/documents/types';
import type { ClusterView, HostView, Placement } from '../view';

/** By name. */
export interface PauseIndex {
  readonly host: ReadonlyMap<string, Pause>;
  readonly service: ReadonlyMap<string, Pause>;
  readonly instance: ReadonlyMap<string, Pause>;
}

export function indexPauses(pauses: readonly Pause[]): PauseIndex {
  const of = (kind: string): ReadonlyMap<string, Pause> =>
    new Map(pauses.filter((pause) => pause.kind === kind).map((pause) => [pause.name, pause]));
  return { host: of('host'), service: of('service'), instance: of('instance') };
}

/** Neither moved, replaced nor left out: it is paused itself, or with its host. */
export function isPinned({ host, instance }: PauseIndex, placement: Placement): boolean {
  return instance.has(placement.id) || host.has(placement.host);
}

/** The view with what filters ask of a host. */
export function withPausedHosts(view: ClusterView, { host: paused }: PauseIndex): ClusterView {
  if (paused.size === 0) return view;
  const hosts = [...view.hosts].map(([name, host]): [string, HostView] => {
    const pause = paused.get(name);
    return [name, pause === undefined ? host : { ...host, pause }];
  });
  return { ...view, hosts: new Map(hosts) };
}

/** Those that the host's agent has to know of: its own, and those of what is placed or reported there. Sorted as given. */
export function pausesOfHost(
  { name, status }: HostView,
  placements: readonly Placement[],
  pauses: readonly Pause[],
): readonly Pause[] {
  if (pauses.length === 0) return pauses;
  const reported = Object.entries(status?.instances ?? {});
  const names: Readonly<Record<string, ReadonlySet<string>>> = {
    host: new Set([name]),
    service: new Set([...placements, ...reported.map(([, one]) => one)].map(({ service }) => service)),
    instance: new Set([...placements.map(({ id }) => id), ...reported.map(([id]) => id)]),
  };
  return pauses.filter((pause) => names[pause.kind]?.has(pause.name));
}

/** What a service's status says apart from its pause. */
export function unpaused(status: ServiceStatus): ServiceStatus {
  const { pause, ...rest } = status;
  return pause === undefined ? rest : { ...rest, rollout: 'steady' };
}

/** Keys of those that have ended. What stands there and can't be read stays, for people to see. */
export function endedPauses({ pauses }: ClusterView, inForce: readonly Pause[]): readonly string[] {
  const going = new Set(inForce);
  return [...pauses].flatMap(([key, { pause, isGarbage }]) =>
    pause === undefined || isGarbage || going.has(pause) ? [] : [key],
  );
}
