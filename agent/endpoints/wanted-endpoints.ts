/** Pure: which endpoints this host publishes, from what it wants, sees and remembers. */
import type { Endpoint } from '../../lib/documents/types';
import { isLoopback } from '../../lib/listen-address';
import { instancesOf, type HostInput } from '../plan/plan-host';
import { isCurrent, planInstance, type InstanceInput } from '../plan/plan-instance';
import { runOf, type ActualContainer, type BoundPort, type Step, type StepKind } from '../plan/types';

/** Of the host, as its endpoints tell it. */
export interface EndpointHost {
  readonly name: string;
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly weight: number;
}

export interface EndpointsInput extends HostInput {
  /** Steps in flight. */
  readonly steps: readonly Step[];
}

export interface WantedEndpoint {
  readonly service: string;
  readonly instance: string;
  readonly containerId: string;
  readonly endpoint: Endpoint;
}

export interface WantedEndpoints {
  readonly endpoints: readonly WantedEndpoint[];
  /** Instances that run and stay, and of which nobody knows yet how they are. */
  readonly starting: ReadonlySet<string>;
}

/** Before these, a container leaves discovery. */
export const LEAVING: readonly StepKind[] = ['drain', 'stop', 'restart', 'remove'];

/** Of what runs as it should, in good health or with nobody to say how it is, and stays. Sorted by instance. */
export function wantedEndpoints(input: EndpointsInput, host: EndpointHost): WantedEndpoints {
  const endpoints: WantedEndpoint[] = [];
  const starting = new Set<string>();
  const leaving = new Set(input.steps.filter(isLeaving).map((step) => step.containerId));
  for (const one of instancesOf(input)) {
    const [container] = one.containers;
    if (container === undefined || leaving.has(container.id) || !isServing(one, container)) continue;
    const { health, service, instance, id: containerId } = container;
    if (health === 'starting') starting.add(instance);
    if (health === 'healthy' || health === 'none')
      endpoints.push({ service, instance, containerId, endpoint: endpointOf(one, container, host) });
  }
  return { endpoints, starting };
}

/** It runs, its post_start hooks are done, and it is not on its way out. */
function isServing(one: InstanceInput, container: ActualContainer): boolean {
  const { wanted, remembered } = one;
  // Jobs have slot 0.
  if (container.state !== 'running' || wanted?.before === true || container.slot === 0) return false;
  if (remembered.drained === container.id || hasHooksToRun(one, container)) return false;
  // What is not assigned any more, too, until it is its turn: those that stop first may need it to the end.
  const { step } = planInstance(one);
  return step === undefined || !isLeaving(step) || step.containerId !== container.id;
}

function isLeaving(step: Step): step is Extract<Step, { readonly containerId: string }> {
  return LEAVING.includes(step.kind);
}

function hasHooksToRun({ wanted, remembered: { hookedRun } }: InstanceInput, container: ActualContainer): boolean {
  if (wanted?.spec === undefined || wanted.spec.container.postStart.length === 0) return false;
  if (!isCurrent(container, wanted)) return false;
  // Which run it is, Docker may not say for a while: then the last one that is known counts.
  const isKnown = container.startedAtMs > 0;
  return isKnown ? hookedRun !== runOf(container) : hookedRun?.startsWith(`${container.id} `) !== true;
}

function endpointOf({ wanted }: InstanceInput, container: ActualContainer, host: EndpointHost): Endpoint {
  const ports: Record<string, number> = {};
  const protocols: Record<string, string> = {};
  const reachable = container.ports.filter((port) => isReachable(port, host.address));
  for (const { name, target, published, protocol } of reachable) {
    const plain = name === '' ? String(target) : name;
    // DNS on one port over TCP and UDP is two ports.
    const key = Object.hasOwn(ports, plain) ? `${plain}-${protocol}` : plain;
    ports[key] = published;
    if (protocol !== 'tcp') protocols[key] = protocol;
  }
  // A container that needs no change for a newer release runs that release, whatever its label says.
  const isOfRelease = wanted !== undefined && isCurrent(container, wanted);
  const { address, labels, weight, name: hostName } = host;
  return {
    ...{ host: address, port: reachable[0]?.published ?? 0, ports, protocols },
    ...{ release: isOfRelease ? wanted.release : container.release, slot: container.slot },
    ...{ hostName, labels, weight },
  };
}

/** What is bound to a loopback address is reached from the host itself alone. */
export function isReachable({ hostIp = '' }: Pick<BoundPort, 'hostIp'>, address: string): boolean {
  return !isLoopback(hostIp) || isLoopback(address);
}
