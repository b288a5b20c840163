/** `npm run lab -- <verb>`: the lab for people. Reads the command line; ./lab.ts and ./verbs.ts do the rest. */
import { PRESENT, usage } from './cli-text';
import { CommandLineError, readCommandLine, type CommandLine } from './command-line';
import { allFolders, LabFolder } from './folder';
import { Lab } from './lab';
import { removeTraces, sweepDeadLabs } from './traces';
import { ask, VerbError, type LabStatus } from './verbs';
import { until } from '../support/wait';

/** As those of bin/berth: docs/reference/cli.md. */
const EXIT = { ok: 0, failed: 1, usage: 64 } as const;
/** Longer than a lab of many hosts needs to go. */
const DOWN_MS = 60_000;
/** A supervisor that does not answer this soon hangs. */
const ALIVE_MS = 5000;

const say = (text: string): boolean => process.stdout.write(`${text}\n`);

async function main(words: readonly string[]): Promise<void> {
  const line = readCommandLine(words);
  switch (line.verb) {
    case 'help':
      return void say(usage());
    case 'up':
      return up(line);
    case 'down':
      return down(line.lab);
    case 'sweep':
      return void (await sweepDeadLabs());
    case 'status': {
      const status = (await ask(await chosen(line.lab), { verb: 'status' }))!;
      return void say(line.isJson ? JSON.stringify(status, undefined, 2) : PRESENT.status(status));
    }
    case 'do': {
      const folder = await chosen(line.lab);
      for (const verb of line.verbs) {
        await ask(folder, verb);
        say(PRESENT.done(verb));
      }
    }
  }
}

async function up({ options, owner }: Extract<CommandLine, { verb: 'up' }>): Promise<void> {
  const lab = await Lab.up(options, (stage) => say(`[lab] ${stage}`));
  await lab.detach(owner);
  say(PRESENT.made(await lab.status(), (await running()).length > 1));
}

/** All labs that belong to nobody, or the one that was named; and what dead ones left. */
async function down(number: number | undefined): Promise<void> {
  const swept = await sweepDeadLabs();
  if (swept.length > 0) say(`[lab] took away what was left of lab ${swept.join(', ')}`);
  const labs = number === undefined ? (await running()).map((status) => status.number) : [number];
  for (const each of labs) {
    const folder = new LabFolder(each);
    if (number !== undefined && !folder.isAlive() && swept.includes(number)) continue;
    if (!folder.isAlive()) throw new Error(`there is no lab ${each}`);
    await end(folder);
    say(`[lab] lab ${each} is gone`);
  }
  if (labs.length === 0 && swept.length === 0) say('[lab] there is none');
}

async function end(folder: LabFolder): Promise<void> {
  const { pid } = folder;
  try {
    await ask(folder, { verb: 'down' }, ALIVE_MS);
    await until(`the end of lab ${folder.number}`, () => !folder.isAlive(), DOWN_MS);
  } catch (error) {
    // A supervisor that does not answer has nothing to say any more.
    if (pid === undefined || !folder.isAlive()) throw error;
    process.kill(pid, 'SIGKILL');
    await until(`the end of process ${pid}`, () => !folder.isAlive());
    if (folder.takeOver()) await removeTraces(folder);
  }
}

/** Labs that belong to nobody: tests have theirs for themselves. */
async function running(): Promise<readonly LabStatus[]> {
  const alive = allFolders().filter((folder) => folder.isAlive());
  const asked = await Promise.all(alive.map((folder) => ask(folder, { verb: 'status' }, ALIVE_MS).catch(() => null)));
  return asked.filter((status) => status !== null && status.owner === 'nobody') as LabStatus[];
}

async function chosen(number: number | undefined): Promise<LabFolder> {
  if (number !== undefined) {
    const folder = new LabFolder(number);
    if (!folder.isAlive()) throw new Error(`there is no lab ${number}`);
    return folder;
  }
  const labs = await running();
  if (labs.length === 0) throw new Error('there is no lab; make one: npm run lab -- up 3');
  if (labs.length > 1)
    throw new CommandLineError(`which one? --lab ${labs.map((each) => each.number).join(', --lab ')}`);
  return new LabFolder(labs[0]!.number);
}

main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`lab: ${error.message}\n`);
  const isUsage = error instanceof CommandLineError || (error instanceof VerbError && error.isUsage);
  process.exitCode = isUsage ? EXIT.usage : EXIT.failed;
});
