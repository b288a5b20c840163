/** Host ports for an instance: fixed ones as published, the others picked once and kept. */
import { createHash } from 'node:crypto';
import type { Port } from '../../../lib/documents/types';
import { EngineError, type PortHolder } from '../engine';

export interface PortQuestion {
  readonly instance: string;
  readonly ports: readonly Port[];
  /** Lowest and highest port to pick from, inclusive, for ports that say no other. */
  readonly range: readonly [number, number];
  /** "port/protocol" of other containers of ours, and of earlier picks. */
  readonly taken: ReadonlySet<string>;
  /** Ports that are not picked, whoever has them. */
  readonly refused: ReadonlySet<number>;
  /** @returns undefined when free */
  readonly whoHas: (port: number, protocol: string, hostIp: string) => Promise<PortHolder | undefined>;
}

/** A range this full is a mistake somewhere; asking the kernel for each port of it would take long. */
const MAX_TRIES = 512;

/**
 * The port to try first depends on instance and container port alone, so that an instance whose container was
 * removed gets the same one again.
 * @returns host ports in the order of `ports`
 * @throws EngineError 'port-taken'
 */
export async function pickHostPorts(question: PortQuestion): Promise<readonly number[]> {
  const taken = new Set(question.taken);
  const picked: number[] = [];
  for (const port of question.ports) {
    const hostPort =
      port.published > 0 ? await checkFixed(port, taken, question) : await pickFree(port, taken, question);
    taken.add(`${hostPort}/${port.protocol}`);
    picked.push(hostPort);
  }
  return picked;
}

async function checkFixed(port: Port, taken: ReadonlySet<string>, { whoHas }: PortQuestion): Promise<number> {
  const isOurs = taken.has(`${port.published}/${port.protocol}`);
  const found = isOurs ? undefined : await whoHas(port.published, port.protocol, port.hostIp);
  if (!isOurs && found === undefined) return port.published;
  const holder = found === undefined ? 'another instance on this host' : await found.describe();
  throw new EngineError(
    'port-taken',
    `host port ${port.published}/${port.protocol} is taken by ${holder}`,
    port.published,
  );
}

async function pickFree(
  port: Port,
  taken: ReadonlySet<string>,
  { instance, range, refused, whoHas }: PortQuestion,
): Promise<number> {
  const [low, high] = port.pick === undefined ? range : [port.pick.first, port.pick.last];
  const size = high - low + 1;
  const seed = createHash('sha256').update(`${instance} ${port.target}/${port.protocol}`).digest().readUInt32BE(0);
  for (let tried = 0; tried < Math.min(size, MAX_TRIES); tried++) {
    const candidate = low + ((seed + tried) % size);
    if (refused.has(candidate) || taken.has(`${candidate}/${port.protocol}`)) continue;
    if ((await whoHas(candidate, port.protocol, port.hostIp)) === undefined) return candidate;
  }
  throw new EngineError(
    'port-taken',
    `no free host port among ${Math.min(size, MAX_TRIES)} tried of ${low} to ${high}`,
  );
}
