/**
 * The process that has a lab: it makes it, does the verbs, and takes it away again. Started by ./lab.ts as
 * `supervisor <options as JSON>`; its standard input is the owner's sign of life.
 *
 * INVARIANTS
 * - When its standard input ends before anybody said "detach", the owner is dead, and the lab goes. So it does when
 *   a process that it was detached to ends.
 * - When it is killed itself, the kernel ends all of the lab's processes, and the sweeper takes the rest away.
 * - Verbs about one machine are done one after another.
 */
import { appendFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { ClusterLab, WrongName } from './cluster-lab';
import { endpointsOf, GRPC_PORT } from './daemons';
import { allFolders, LabFolder, startTicks } from './folder';
import { layOut, MAX_LABS, type Layout } from './layout';
import type { LabOptions, Progress } from './lab';
import { AddressesTaken } from './network';
import { startSweeper } from './sweeper';
import { removeTraces, sweepDeadLabs } from './traces';
import { perform, type Answer, type LabStatus, type Verb } from './verbs';

/** Between looks whether a later owner lives. */
const LOOK_MS = 500;

let isOwned = true;
let isFirstOwners = true;
let isMade = false;
let isEnding = false;
let folder: LabFolder | undefined;
let layout: Layout | undefined;
let lab: ClusterLab | undefined;
const turns = new Map<string, Promise<unknown>>();

async function main(options: LabOptions): Promise<void> {
  process.stdin.on('end', () => isFirstOwners && void end());
  process.stdin.on('error', () => undefined).resume();
  // Nobody may be left who reads it.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void end());
  try {
    // What is left of others is in nobody's way: they keep their numbers.
    const swept = await sweepDeadLabs().catch((error: Error) => {
      tell({ stage: error.message });
      return [];
    });
    if (swept.length > 0) tell({ stage: `took away what was left of lab ${swept.join(', ')}` });
    await make(options);
    isMade = true;
    tell({ up: status() });
  } catch (error) {
    if (!isEnding) tell({ failed: (error as Error).message });
    await end(1);
  }
}

/** Under the first number that is free. */
async function make(options: LabOptions): Promise<void> {
  let taken: Error = new Error('there is no free number for a lab');
  const isClaimed = new Set(allFolders().map(({ number }) => number));
  for (let number = 0; number < MAX_LABS && !isEnding; number++) {
    if (isClaimed.has(number)) continue;
    const candidate = new LabFolder(number);
    if (!candidate.claim()) continue;
    folder = candidate;
    layout = layOut(number, options);
    lab = new ClusterLab(layout, folder, options);
    startSweeper();
    try {
      await lab.up((stage) => tell({ stage }));
      listen(folder);
      return;
    } catch (error) {
      if (!(error instanceof AddressesTaken)) throw error;
      taken = error;
      await lab.cutPower();
      await removeTraces(folder);
      folder = undefined;
    }
  }
  throw taken;
}

function listen(at: LabFolder): void {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    createInterface({ input: socket }).once('line', (line) => void answer(socket, JSON.parse(line) as Verb));
  });
  server.listen(at.socket);
}

async function answer(socket: Socket, verb: Verb): Promise<void> {
  let reply: Answer;
  try {
    reply = { ok: await obey(verb) };
  } catch (error) {
    reply = { error: (error as Error).message, isUsage: error instanceof WrongName };
  }
  if (verb.verb !== 'status')
    appendFileSync(
      folder!.log('lab'),
      `${new Date().toISOString()} ${JSON.stringify(verb)} ${JSON.stringify(reply)}\n`,
    );
  socket.end(JSON.stringify(reply));
  if (verb.verb === 'down') await end();
}

async function obey(verb: Verb): Promise<LabStatus | null> {
  if (verb.verb === 'down') return null;
  if (verb.verb === 'detach') belongTo(verb.owner);
  if (verb.verb === 'detach' || verb.verb === 'status') return status();
  const turn = (turns.get(verb.name) ?? Promise.resolve()).then(() => perform(lab!, verb));
  turns.set(
    verb.name,
    turn.catch(() => undefined),
  );
  await turn;
  return null;
}

function belongTo(owner: number | undefined): void {
  isFirstOwners = false;
  isOwned = owner !== undefined;
  const born = owner === undefined ? undefined : startTicks(owner);
  if (owner !== undefined) setInterval(() => startTicks(owner) !== born && void end(), LOOK_MS);
}

function status(): LabStatus {
  return {
    number: folder!.number,
    folder: folder!.path,
    owner: isOwned ? 'process' : 'nobody',
    uplink: layout!.uplink.address,
    endpoints: endpointsOf(layout!),
    coordinators: layout!.machines
      .filter(({ kind }) => kind === 'coordinator')
      .map(({ address }) => `${address}:${GRPC_PORT}`),
    machines: lab!.state(),
  };
}

/** All of it, when it is made. What is half made is still on its way: the kernel ends it, and the sweeper sweeps. */
async function end(code = 0): Promise<void> {
  if (isEnding) return;
  isEnding = true;
  if (!isMade) process.exit(code);
  try {
    await lab!.cutPower();
    await removeTraces(folder!);
  } catch (error) {
    tell({ failed: (error as Error).message });
    code = 1;
  }
  process.exit(code);
}

function tell(progress: Progress): void {
  process.stdout.write(`${JSON.stringify(progress)}\n`);
}

void main(JSON.parse(process.argv[2]!) as LabOptions);
