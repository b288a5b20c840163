/** Pure: what Docker says of a container → what the planner reads. */
import type { ContainerInfo, ContainerInspectInfo } from 'dockerode';
import { constants } from 'node:os';
import type { PublishedPort } from '../../../lib/documents/types';
import type { ActualContainer, AppliedLimits, BoundPort, ContainerState } from '../../plan/types';
import { isEveryAddress } from '../../../lib/listen-address';
import { UNPRINTABLE } from '../../../lib/unprintable';
import { containerName, readIdentity, type Labelled } from './labels';

const STATES: readonly ContainerState[] = ['created', 'running', 'paused', 'restarting', 'exited', 'dead', 'removing'];
/** Docker's own, when the container says nothing. */
const DEFAULT_STOP_GRACE_S = 10;
const MAX_HEALTH_CHARACTERS = 300;

export interface ReadContainer extends ActualContainer {
  readonly createdMs: number;
}

/** Sorted for the planner: a running container first, then the newest; by id at last, so that the order is one. */
export function compareContainers(
  a: { id: string; state: ContainerState; createdMs: number },
  b: { id: string; state: ContainerState; createdMs: number },
): number {
  return (
    Number(b.state === 'running') - Number(a.state === 'running') ||
    b.createdMs - a.createdMs ||
    (a.id < b.id ? -1 : Number(a.id > b.id))
  );
}

/**
 * From GET /containers/{id}/json.
 * @param wallMs now, on Docker's clock
 * @returns why not, for people, when the container is not ours to touch
 */
export function readContainer(details: ContainerInspectInfo, wallMs: number): ReadContainer | string {
  const identity = identify(details.Config.Labels, [details.Name]);
  const state = stateOf(details.State.Status);
  if (typeof identity === 'string') return identity;
  if (state === undefined) return `its state is "${details.State.Status}"`;
  const startedMs = timeMs(details.State.StartedAt);
  const finishedMs = timeMs(details.State.FinishedAt);
  const isUp = state === 'running' || state === 'paused' || state === 'restarting';
  const stopTimeoutS = (details.Config as { StopTimeout?: number }).StopTimeout;
  return {
    id: details.Id,
    ...identity,
    state,
    health: readHealth(isUp, details.State.Health?.Status),
    healthReason: readHealthReason(details),
    limits: readLimits(details.HostConfig),
    address: readAddress(details),
    ports: bound(identity.ports, (port) => inspectedIp(details, port)),
    startedAtMs: startedMs,
    previousExitMs: isUp ? finishedMs : 0,
    stopGracePeriodMs: (stopTimeoutS ?? DEFAULT_STOP_GRACE_S) * 1000,
    // Docker forgets the code of the last exit when the container runs again, and says 0.
    ...(!isUp &&
      finishedMs > 0 && {
        exit: {
          ...{ code: details.State.ExitCode, oomKilled: details.State.OOMKilled, atMs: finishedMs, log: [] },
          signal: signalOf(details.State.ExitCode),
        },
      }),
    ranForMs: startedMs === 0 ? 0 : Math.max(0, (isUp ? wallMs : finishedMs) - startedMs),
    createdMs: timeMs(details.Created),
  };
}

/** From an entry of GET /containers/json, for a container that Docker does not want to say more of. */
export function readListedContainer(entry: ContainerInfo): ReadContainer | string {
  const identity = identify(entry.Labels, entry.Names);
  const state = stateOf(entry.State);
  if (typeof identity === 'string') return identity;
  if (state === undefined) return `its state is "${entry.State}"`;
  const exitCode = /^Exited \((\d+)\)/.exec(entry.Status)?.[1];
  const health = /\((?:health: )?(starting|healthy|unhealthy)\)/.exec(entry.Status)?.[1];
  return {
    id: entry.Id,
    ...identity,
    state,
    health: readHealth(state === 'running' || state === 'paused', health),
    healthReason: '',
    // Nothing is changed by what is not known.
    limits: undefined,
    address: '',
    ports: bound(identity.ports, (port) => listedIp(entry, port)),
    startedAtMs: 0,
    previousExitMs: 0,
    stopGracePeriodMs: DEFAULT_STOP_GRACE_S * 1000,
    ...(exitCode !== undefined && {
      exit: { code: Number(exitCode), oomKilled: false, atMs: 0, signal: signalOf(Number(exitCode)), log: [] },
    }),
    ranForMs: 0,
    createdMs: entry.Created * 1000,
  };
}

/**
 * The name counts as well as the labels: an image that somebody committed from a container of ours hands its labels
 * to whatever is run from it, and that must not be taken for the instance.
 */
function identify(labels: Readonly<Record<string, string>> | undefined, names: readonly string[]): Labelled | string {
  const identity = readIdentity(labels ?? {});
  if (identity === undefined) return 'its labels are not as Berth writes them';
  const name = containerName(identity.instance);
  if (!names.includes(`/${name}`)) return `its name is not ${name}`;
  return identity;
}

function stateOf(status: string): ContainerState | undefined {
  return STATES.find((known) => known === status);
}

/** What a health check said of a container that is down is old. */
function readHealth(isUp: boolean, status: string | undefined): ActualContainer['health'] {
  if (!isUp) return 'none';
  return status === 'starting' || status === 'healthy' || status === 'unhealthy' ? status : 'none';
}

/** The last check that failed, in its own words; their length is bounded, since they go into the status. */
function readHealthReason({ State }: ContainerInspectInfo): string {
  const last = State.Health?.Log?.filter(({ ExitCode }) => ExitCode !== 0).at(-1);
  const output = last?.Output.trim().replace(UNPRINTABLE, ' ').slice(0, MAX_HEALTH_CHARACTERS) ?? '';
  if (last === undefined) return '';
  return `the health check exited with code ${last.ExitCode}${output === '' ? '' : `: ${output}`}`;
}

/** Docker says 0 or -1, or nothing, for none. */
function readLimits({
  NanoCpus,
  Memory,
  PidsLimit,
  MemoryReservation,
}: ContainerInspectInfo['HostConfig']): AppliedLimits {
  const [nanoCpus, memoryBytes, pids, memoryReservationBytes] = [NanoCpus, Memory, PidsLimit, MemoryReservation].map(
    (value) => Math.max(0, value ?? 0),
  );
  return {
    nanoCpus: nanoCpus!,
    memoryBytes: memoryBytes!,
    pids: pids!,
    memoryReservationBytes: memoryReservationBytes!,
  };
}

type PortBindings = Readonly<Record<string, readonly { HostIp?: string; HostPort?: string }[] | null>> | null;

/** @param ipOf address that a port is bound to, as far as Docker says it */
function bound(ports: Labelled['ports'], ipOf: (port: PublishedPort) => string | undefined): readonly BoundPort[] {
  return ports.map((port) => {
    const hostIp = ipOf(port) ?? '';
    return isEveryAddress(hostIp) ? port : { ...port, hostIp };
  });
}

function inspectedIp({ HostConfig }: ContainerInspectInfo, port: PublishedPort): string | undefined {
  const bindings = (HostConfig.PortBindings as PortBindings)?.[`${port.target}/${port.protocol}`];
  return bindings?.find(({ HostPort }) => HostPort === String(port.published))?.HostIp;
}

function listedIp(entry: ContainerInfo, { target, published, protocol }: PublishedPort): string | undefined {
  const ports = entry.Ports as ContainerInfo['Ports'] | null;
  const found = ports?.find(
    ({ PrivatePort, PublicPort, Type }) => PrivatePort === target && PublicPort === published && Type === protocol,
  );
  return found?.IP;
}

function readAddress({ HostConfig, NetworkSettings }: ContainerInspectInfo): string {
  if (HostConfig.NetworkMode === 'host') return '127.0.0.1';
  const all = NetworkSettings.Networks ?? {};
  // The one that the container was created on comes first.
  const first = all[HostConfig.NetworkMode ?? ''];
  const networks = [...(first === undefined ? [] : [first]), ...Object.values(all)];
  const addresses = networks.flatMap(({ IPAddress, GlobalIPv6Address }) => [IPAddress, GlobalIPv6Address]);
  return addresses.find((address) => address !== '' && address !== undefined) ?? '';
}

/** A shell's and Docker's way to say that a signal ended a process: 128 and its number. @returns "" for none */
function signalOf(exitCode: number): string {
  const number = exitCode - 128;
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? '';
}

/** Docker writes year 1 for "never". */
function timeMs(text: string): number {
  const ms = Date.parse(text);
  return ms > 0 ? ms : 0;
}
