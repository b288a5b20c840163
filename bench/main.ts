/** `npm run bench`: runs benchmarks, prints their figures, exits 1 when one is over its budget. */
import { parseArgs } from 'node:util';
import { paint, printJson } from '../cli/output/table';
import type { Effort, Group } from './benchmark';
import { dns } from './dns';
import { DnsSite } from './dns-site';
import { EmptyHost } from './empty-host';
import { failover } from './failover';
import { fifty } from './fifty';
import { isOver } from './figure';
import { fleet, FLEET } from './fleet';
import { FleetSite } from './fleet-site';
import { FullHost } from './full-host';
import { LabHost } from './lab-host';
import { metrics } from './metrics';
import { pass } from './pass';
import { pressure } from './pressure';
import { jsonOf, printFindings, type Finding } from './report';
import { rest } from './rest';
import { restart } from './restart';
import { rollout } from './rollout';
import { scale, SCALE } from './scale';
import { start } from './start';

const EMPTY: Group<EmptyHost> = { open: () => EmptyHost.open(), benchmarks: [start, fifty] };
const FULL: Group<FullHost> = { open: (say) => FullHost.open(say), benchmarks: [rest, metrics, pass, restart] };
const LAB: Group<LabHost> = { open: (say) => LabHost.open(say), benchmarks: [failover, rollout, pressure] };
const NAMES_ASKED: Group<DnsSite> = { open: (say) => DnsSite.open(say), benchmarks: [dns] };
const HOLLOW: Group<FleetSite> = { open: (say) => FleetSite.open(FLEET.hosts, say), benchmarks: [fleet] };
const ANSWERING: Group<FleetSite> = { open: (say) => FleetSite.open(SCALE.hosts, say), benchmarks: [scale] };
const NAMES = [EMPTY, FULL, NAMES_ASKED, LAB, HOLLOW, ANSWERING].flatMap(({ benchmarks }) =>
  benchmarks.map(({ name }) => name),
);

const EXIT = { ok: 0, over: 1, usage: 64, interrupted: 130 } as const;
/** No run takes longer: a benchmark that hangs has failed. */
const DEADLINE_MS = 30 * 60_000;

const USAGE = `npm run bench -- [${NAMES.join(' | ')}]… [--json] [--starts <n>] [--rounds <n>] [--rest-seconds <n>] [--pressure-seconds <n>]`;

interface Wish {
  readonly names: readonly string[];
  readonly isJson: boolean;
  readonly effort: Effort;
}

/** @throws Error for what is no wish */
function readWish(args: readonly string[]): Wish {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      starts: { type: 'string', default: '60' },
      rounds: { type: 'string', default: '5' },
      'rest-seconds': { type: 'string', default: '60' },
      'pressure-seconds': { type: 'string', default: '120' },
    },
  });
  const unknown = positionals.filter((name) => !NAMES.includes(name));
  if (unknown.length > 0) throw new Error(`no such benchmark: ${unknown.join(', ')}`);
  const count = (name: 'starts' | 'rounds' | 'rest-seconds' | 'pressure-seconds', max: number): number => {
    const number = Number(values[name]);
    if (!Number.isInteger(number) || number < 1 || number > max) throw new Error(`--${name} is 1 to ${max}`);
    return number;
  };
  return {
    names: positionals.length > 0 ? positionals : NAMES,
    isJson: values.json,
    effort: {
      starts: count('starts', 500),
      rounds: count('rounds', 20),
      restSeconds: count('rest-seconds', 900),
      pressureSeconds: count('pressure-seconds', 900),
    },
  };
}

const say = (text: string): void => void process.stderr.write(`${paint.dim(`[bench] ${text}`)}\n`);

/** @param ended rejects when it is time to go */
async function runGroup<Host extends { close(): Promise<void> }>(
  group: Group<Host>,
  { names, effort }: Wish,
  findings: Finding[],
  ended: Promise<never>,
): Promise<void> {
  const chosen = group.benchmarks.filter(({ name }) => names.includes(name));
  if (chosen.length === 0) return;
  const opening = group.open(say);
  try {
    const host = await Promise.race([opening, ended]);
    for (const benchmark of chosen)
      findings.push({
        benchmark: benchmark.name,
        figures: await Promise.race([benchmark.run(host, effort, say), ended]),
      });
  } finally {
    say('taking everything away again');
    await (await opening.catch(() => undefined))?.close();
  }
}

async function main(): Promise<number> {
  let wish: Wish;
  try {
    wish = readWish(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\n${USAGE}\n`);
    return EXIT.usage;
  }
  let isInterrupted = false;
  const ended = new Promise<never>((_, reject) => {
    const interrupt = (): void => {
      isInterrupted = true;
      reject(new Error('interrupted'));
    };
    process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
    // It also keeps this process alive while it waits for nothing but the end of another one.
    setTimeout(() => reject(new Error(`not done within ${DEADLINE_MS / 60_000} min`)), DEADLINE_MS);
  });
  ended.catch(() => undefined); // told to whoever waits
  const findings: Finding[] = [];
  const print = (): void => (wish.isJson ? printJson(jsonOf(findings)) : printFindings(findings));
  try {
    await runGroup(EMPTY, wish, findings, ended);
    await runGroup(FULL, wish, findings, ended);
    await runGroup(NAMES_ASKED, wish, findings, ended);
    await runGroup(LAB, wish, findings, ended);
    await runGroup(HOLLOW, wish, findings, ended);
    await runGroup(ANSWERING, wish, findings, ended);
  } catch (error) {
    // What was found out before is not lost.
    if (findings.length > 0) print();
    process.stderr.write(`bench: ${isInterrupted ? 'interrupted' : String((error as Error).stack)}\n`);
    return isInterrupted ? EXIT.interrupted : EXIT.over;
  }
  print();
  return findings.some(({ figures }) => figures.some(isOver)) ? EXIT.over : EXIT.ok;
}

// Whatever an interrupted benchmark still waits for must not keep a process that has cleaned up.
void main().then((code) => process.exit(code));
