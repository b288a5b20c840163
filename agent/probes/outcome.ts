/** What one try of a probe came to, and how that is said. */
import type { Probe } from '../../lib/documents/types';
import { UNPRINTABLE } from '../../lib/unprintable';

export type Outcome =
  | { readonly result: 'success' }
  | { readonly result: 'failure'; readonly reason: string }
  /** `reason` says how far it came, without the time: "no answer". */
  | { readonly result: 'timeout'; readonly reason: string }
  /** It could not be tried, by no fault of the container: says nothing about it. */
  | { readonly result: 'untried'; readonly reason: string };

export const SUCCESS: Outcome = { result: 'success' };

/** The container that a probe asks. */
export interface Target {
  readonly containerId: string;
  /** IPv4 or IPv6. */
  readonly address: string;
}

/** Tries once. Settles at once when the signal aborts, which it does at the timeout; never rejects. */
export type TryProbe = (probe: Probe, target: Target, signal: AbortSignal) => Promise<Outcome>;

/** A reason goes into the host's status in etcd. */
const MAX_REASON_CHARACTERS = 300;
const MAX_ASKED_CHARACTERS = 150;

/** @returns what was asked and what came, on one printable line; undefined for a success */
export function describeFailure(outcome: Outcome, probe: Probe, target: Target, timeoutMs: number): string | undefined {
  if (outcome.result === 'success') return undefined;
  const came = outcome.result === 'timeout' ? `${outcome.reason} within ${timeoutMs / 1000} s` : outcome.reason;
  const line = `${cut(asked(probe, target), MAX_ASKED_CHARACTERS)}: ${came}`.trim().replace(UNPRINTABLE, ' ');
  return cut(line, MAX_REASON_CHARACTERS);
}

/** "172.17.0.2:80", "[fd00::2]:80" */
export function hostPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function asked({ http, tcp, exec, grpc }: Probe, { address }: Target): string {
  if (http !== undefined) return `${http.method} ${http.scheme}://${hostPort(address, http.port)}${http.path}`;
  if (tcp !== undefined) return `TCP ${hostPort(address, tcp.port)}`;
  if (exec !== undefined) return `exec ${exec.command.join(' ')}`;
  if (grpc === undefined) return 'a probe of no kind';
  return `gRPC health of ${grpc.service === '' ? 'the server' : grpc.service} at ${hostPort(address, grpc.port)}`;
}

function cut(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters - 1)}…`;
}
