/** The verbs of a running lab, as they go over its socket: one line of JSON each way, one verb a connection. */
import { connect } from 'node:net';
import type { ClusterLab, MachineState, StartOptions } from './cluster-lab';
import type { LabFolder } from './folder';
import type { PartKind } from './layout';
import type { Slowness } from './network';

/** What `kill` and `start` can be told of: a whole host, or a part of a machine. */
export type Target = 'host' | PartKind;
export const TARGETS: readonly Target[] = ['host', 'engine', 'agent', 'etcd', 'coordinator'];

/** About the lab as a whole. `detach`: it belongs to another process from now on, or to nobody. */
export type LabVerb =
  { readonly verb: 'status' } | { readonly verb: 'detach'; readonly owner?: number } | { readonly verb: 'down' };
/** About one machine, or a part of it. */
export type MachineVerb =
  | { readonly verb: 'cut-off' | 'restore'; readonly name: string }
  | { readonly verb: 'slow'; readonly name: string; readonly slowness: Slowness }
  | { readonly verb: 'kill'; readonly target: Target; readonly name: string }
  | { readonly verb: 'start'; readonly target: Target; readonly name: string; readonly options: StartOptions }
  | { readonly verb: 'stop' | 'pause' | 'resume'; readonly target: PartKind; readonly name: string };
export type Verb = LabVerb | MachineVerb;

export interface LabStatus {
  readonly number: number;
  readonly folder: string;
  /** `process`: it goes when the process that has it ends; `nobody`: it stays until `down`. */
  readonly owner: 'process' | 'nobody';
  /** This machine, as the lab's machines reach it: for a registry, say. */
  readonly uplink: string;
  /** Of etcd. */
  readonly endpoints: readonly string[];
  /** Addresses of the coordinators for `BERTH_COORDINATOR`. */
  readonly coordinators: readonly string[];
  readonly machines: readonly MachineState[];
}

export type Answer =
  | { readonly ok: LabStatus | null }
  /** `isUsage`: it can't be done in this lab at all. */
  | { readonly error: string; readonly isUsage: boolean };

/** A verb that could not be done. */
export class VerbError extends Error {
  constructor(
    message: string,
    readonly isUsage: boolean,
  ) {
    super(message);
  }
}

/** Does what a verb says about machines and parts. @throws WrongName, or Error with what went wrong */
export async function perform(
  lab: ClusterLab,
  verb: Exclude<Verb, { verb: 'status' | 'detach' | 'down' }>,
): Promise<void> {
  switch (verb.verb) {
    case 'cut-off':
      lab.checkOn(verb.name);
      return lab.network.cutOff(verb.name);
    case 'restore':
      lab.checkOn(verb.name);
      return lab.network.restore(verb.name);
    case 'slow':
      lab.checkOn(verb.name);
      return lab.network.slow(verb.name, verb.slowness);
    case 'kill':
      if (verb.target !== 'host') return lab.part(verb.name, verb.target).kill();
      return lab.killHost(verb.name);
    case 'start':
      if (verb.target !== 'host') return lab.startPart(verb.name, verb.target, verb.options);
      return lab.startHost(verb.name, verb.options);
    case 'stop':
      return lab.part(verb.name, verb.target).stop();
    case 'pause':
      return lab.part(verb.name, verb.target).pause();
    case 'resume':
      return lab.part(verb.name, verb.target).resume();
  }
}

/** Longer than any verb takes that waits for a daemon. */
const ANSWER_TIMEOUT_MS = 120_000;

/** @returns what the lab answered. @throws VerbError when it refused, Error when it does not answer */
export async function ask(folder: LabFolder, verb: Verb, timeoutMs = ANSWER_TIMEOUT_MS): Promise<LabStatus | null> {
  const text = await new Promise<string>((done, fail) => {
    const socket = connect(folder.socket, () => socket.end(`${JSON.stringify(verb)}\n`));
    let said = '';
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`not within ${timeoutMs / 1000} s`)));
    socket.on('data', (chunk) => (said += chunk.toString()));
    socket.on('end', () => done(said));
    socket.on('error', (error) => fail(new Error(`lab ${folder.number} does not answer: ${error.message}`)));
  });
  if (text === '') throw new Error(`lab ${folder.number} ended before it answered`);
  const answer = JSON.parse(text) as Answer;
  if ('error' in answer) throw new VerbError(answer.error, answer.isUsage);
  return answer.ok;
}
