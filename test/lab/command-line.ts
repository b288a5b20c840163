/** The words after `npm run lab --`, read. */
import { parseArgs } from 'node:util';
import { startTicks } from './folder';
import { checkSize, MACHINE_PARTS, type PartKind } from './layout';
import { DEFAULTS, type LabOptions } from './lab';
import type { Slowness } from './network';
import { TARGETS, type MachineVerb, type Target } from './verbs';

export type CommandLine =
  | { readonly verb: 'help' | 'sweep' }
  /** `owner`: the process with which it goes. */
  | { readonly verb: 'up'; readonly options: LabOptions; readonly owner: number | undefined }
  | { readonly verb: 'down'; readonly lab: number | undefined }
  | { readonly verb: 'status'; readonly lab: number | undefined; readonly isJson: boolean }
  | { readonly verb: 'do'; readonly lab: number | undefined; readonly verbs: readonly MachineVerb[] };

/** The command line can't be understood; exit code 64. */
export class CommandLineError extends Error {}

/** Which flags each verb takes, `--lab` aside. */
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  help: [],
  sweep: [],
  up: ['etcd', 'coordinators', 'lease-ttl', 'owner'],
  down: [],
  status: ['json'],
  'cut-off': [],
  restore: [],
  slow: ['delay', 'loss', 'rate'],
  kill: [],
  start: ['live-restore', 'no-wait'],
  stop: [],
  pause: [],
  resume: [],
};
const WITHOUT_LAB = ['help', 'sweep', 'up'];
const PARTS: readonly PartKind[] = Object.values(MACHINE_PARTS).flat();

const OPTIONS = {
  lab: { type: 'string' },
  etcd: { type: 'string' },
  coordinators: { type: 'string' },
  'lease-ttl': { type: 'string' },
  owner: { type: 'string' },
  json: { type: 'boolean' },
  delay: { type: 'string' },
  loss: { type: 'string' },
  rate: { type: 'string' },
  'live-restore': { type: 'boolean' },
  'no-wait': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Flags = ReturnType<typeof parse>['values'];

function parse(words: readonly string[]) {
  return parseArgs({ args: [...words], options: OPTIONS, allowPositionals: true, strict: true });
}

/** @throws CommandLineError saying what is wrong with it */
export function readCommandLine(words: readonly string[]): CommandLine {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(words);
  } catch (error) {
    throw new CommandLineError(`${(error as Error).message.split('. ')[0]}; see npm run lab -- help`);
  }
  const { values: flags, positionals } = parsed;
  const [verb, ...rest] = positionals;
  if (verb === undefined || flags.help === true) return { verb: 'help' };
  const known = FLAGS[verb];
  if (known === undefined) throw new CommandLineError(`there is no verb "${verb}"; see npm run lab -- help`);
  for (const flag of Object.keys(flags))
    if (!known.includes(flag) && (flag !== 'lab' || WITHOUT_LAB.includes(verb)))
      throw new CommandLineError(`${verb} takes no --${flag}`);
  const lab = flags.lab === undefined ? undefined : asCount('--lab', flags.lab);
  switch (verb) {
    case 'help':
    case 'sweep':
      return { verb };
    case 'up':
      return { verb, options: sizeOf(rest, flags), owner: ownerOf(flags) };
    case 'down':
      none(verb, rest);
      return { verb, lab };
    case 'status':
      none(verb, rest);
      return { verb, lab, isJson: flags.json === true };
    default:
      return { verb: 'do', lab, verbs: verbsOf(verb as MachineVerb['verb'], rest, flags) };
  }
}

function sizeOf(rest: readonly string[], flags: Flags): LabOptions {
  if (rest.length > 1) throw new CommandLineError('up takes one number of hosts');
  const options = {
    hosts: rest[0] === undefined ? DEFAULTS.hosts : asCount('the number of hosts', rest[0]),
    etcd: flags.etcd === undefined ? DEFAULTS.etcd : asCount('--etcd', flags.etcd),
    coordinators:
      flags.coordinators === undefined ? DEFAULTS.coordinators : asCount('--coordinators', flags.coordinators),
    leaseTtl: flags['lease-ttl'] ?? DEFAULTS.leaseTtl,
  };
  if (!/^\d+(\.\d+)?(ms|s|m)$/.test(options.leaseTtl)) throw new CommandLineError('--lease-ttl is written as 5s');
  try {
    checkSize(options);
  } catch (error) {
    throw new CommandLineError((error as Error).message);
  }
  return options;
}

function ownerOf({ owner }: Flags): number | undefined {
  if (owner === undefined) return undefined;
  const pid = asCount('--owner', owner);
  if (startTicks(pid) === undefined) throw new CommandLineError(`--owner: there is no process ${pid}`);
  return pid;
}

/** One for each machine that is named. */
function verbsOf(verb: MachineVerb['verb'], rest: readonly string[], flags: Flags): readonly MachineVerb[] {
  switch (verb) {
    case 'cut-off':
    case 'restore':
      return named(verb, rest, '').map((name) => ({ verb, name }));
    case 'slow':
      return named(verb, rest, '').map((name) => ({ verb, name, slowness: slownessOf(flags) }));
    case 'kill':
      return named(verb, rest.slice(1), ` ${TARGETS.join('|')}`).map((name) => ({
        ...{ verb, name, target: oneOf<Target>(verb, TARGETS, rest[0]) },
      }));
    case 'start': {
      const options = { liveRestore: flags['live-restore'] === true, wait: flags['no-wait'] !== true };
      return named(verb, rest.slice(1), ` ${TARGETS.join('|')}`).map((name) => ({
        ...{ verb, name, options, target: oneOf<Target>(verb, TARGETS, rest[0]) },
      }));
    }
    case 'stop':
    case 'pause':
    case 'resume':
      return named(verb, rest.slice(1), ` ${PARTS.join('|')}`).map((name) => ({
        ...{ verb, name, target: oneOf<PartKind>(verb, PARTS, rest[0]) },
      }));
  }
}

function slownessOf({ delay, loss, rate }: Flags): Slowness {
  const slowness = {
    ...(delay !== undefined && { delayMs: asAmount('--delay', delay, { ms: 1, s: 1000 }, '100ms') }),
    ...(loss !== undefined && { lossPercent: asAmount('--loss', loss, { '%': 1 }, '5%') }),
    ...(rate !== undefined && { rateKbit: asAmount('--rate', rate, { kbit: 1, mbit: 1000 }, '256kbit') }),
  };
  if (Object.keys(slowness).length === 0)
    throw new CommandLineError('slow needs one or more of --delay 100ms, --loss 5%, --rate 256kbit');
  if ((slowness.lossPercent ?? 0) > 100) throw new CommandLineError('--loss is 100% at most');
  return slowness;
}

function asAmount(flag: string, text: string, units: Readonly<Record<string, number>>, example: string): number {
  const match = /^(\d+(?:\.\d+)?)([a-z%]+)$/.exec(text);
  const unit = units[match?.[2] ?? ''];
  const amount = Number(match?.[1]) * (unit ?? NaN);
  if (!(amount > 0)) throw new CommandLineError(`${flag} is written as ${example}, not "${text}"`);
  return amount;
}

function asCount(what: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new CommandLineError(`${what} is a whole number, not "${text}"`);
  return Number(text);
}

function none(verb: string, rest: readonly string[]): void {
  if (rest.length > 0) throw new CommandLineError(`${verb} takes no "${rest[0]}"`);
}

function named(verb: string, names: readonly string[], before: string): readonly string[] {
  if (names.length === 0)
    throw new CommandLineError(`write: ${verb}${before} <name>, as npm run lab -- status names them`);
  return names;
}

function oneOf<T extends string>(verb: string, known: readonly T[], word: string | undefined): T {
  if (!(known as readonly (string | undefined)[]).includes(word))
    throw new CommandLineError(`${verb} is for one of ${known.join(', ')}, not "${word}"`);
  return word as T;
}
