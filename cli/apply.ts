import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { ApplyResponse, CoordinatorClient } from '../lib/rpc/types';
import type { ComposeFile } from './compose-file/compose-file';
import { CommandError, EXIT } from './exit-codes';
import { withCoordinator } from './session';

const EXAMPLES = `
Examples:
  berth apply                               compose.yaml of this folder
  berth apply -f shop.yaml --wait           until everything runs as the file says
  docker compose config | berth apply -f -
  TAG=1.4.2 berth apply -f compose.yaml     \${TAG} in the file

Exit codes: 0 written (and, with --wait, running), 1 could not be done, 2 refused and nothing written, 4 --wait timed out.`;

const USUAL_FILES = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];
const POLL_MS = 500;

interface ApplyOptions {
  readonly file?: string;
  readonly envFile?: string;
  readonly projectName?: string;
  readonly wait?: boolean;
  readonly timeout: string;
  readonly json?: boolean;
}

export function registerApply(program: Command): void {
  program
    .command('apply')
    .description('run what a Compose file says')
    .option('-f, --file <file>', 'Compose file, or - for standard input (compose.yaml)')
    .option('--env-file <file>', 'variables for the file (.env beside it)')
    .option('-p, --project-name <name>', 'name of the project')
    .option('--wait', 'wait until every service runs as wanted')
    .option('--timeout <seconds>', 'give up waiting after so long', '300')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (options: ApplyOptions, command: Command) => {
      const timeoutS = Number(options.timeout);
      if (!(timeoutS > 0)) throw new CommandError(`"${options.timeout}" is no number of seconds`, EXIT.usage);
      const file = await readFile(options);
      for (const warning of file.warnings) process.stderr.write(`Warning: ${warning}\n`);
      await withCoordinator(command, async (client) => {
        const answer = await client.apply({ project: file.project, services: file.services });
        if (options.json === true) process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
        if (answer.refused.length > 0)
          throw new CommandError(options.json === true ? '' : await describeRefusal(answer, file), EXIT.refused);
        if (options.json !== true)
          for (const { name, action } of answer.applied) process.stdout.write(`${name} ${action}\n`);
        if (options.wait === true) await waitFor(client, file, timeoutS * 1000, options.json !== true);
        else if (options.json !== true) process.stdout.write('"berth ps" shows how it comes along.\n');
      });
    });
}

async function readFile(options: ApplyOptions): Promise<ComposeFile> {
  const { readComposeFile } = await import('./compose-file/compose-file.js');
  const { ComposeFileError } = await import('./compose-file/place.js');
  const { parseEnvFile } = await import('./compose-file/env-file.js');
  const file = options.file ?? USUAL_FILES.find((name) => existsSync(name));
  if (file === undefined)
    throw new CommandError(
      `There is no ${USUAL_FILES.join(', no ')} here. Name a file: berth apply -f FILE`,
      EXIT.usage,
    );
  const folder = file === '-' ? process.cwd() : dirname(resolve(file));
  const text = readOrFail(file === '-' ? 0 : file, file);
  const envFile = options.envFile ?? join(folder, '.env');
  const envText = options.envFile === undefined && !existsSync(envFile) ? '' : readOrFail(envFile, envFile);
  const project = options.projectName ?? process.env['COMPOSE_PROJECT_NAME'];
  try {
    return readComposeFile({
      name: file === '-' ? 'standard input' : file,
      text,
      // The shell wins over the file.
      variables: { ...parseEnvFile(envText, envFile, process.env), ...process.env },
      ...(project !== undefined && { project }),
      folderName: basename(folder),
      files: {
        read: (path) => (existsSync(resolve(folder, path)) ? readFileSync(resolve(folder, path), 'utf8') : undefined),
        absolute: (path) => resolve(folder, path.replace(/^~(?=\/|$)/, homedir())),
      },
    });
  } catch (error) {
    if (error instanceof ComposeFileError)
      throw new CommandError(`${error.message}\n\nRefused; nothing was written.`, EXIT.refused);
    if (error instanceof Error) throw new CommandError(error.message, EXIT.refused);
    throw error;
  }
}

function readOrFail(file: string | number, name: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandError(`can not read ${name}: ${(error as Error).message}`);
  }
}

async function describeRefusal({ refused }: ApplyResponse, { source }: ComposeFile): Promise<string> {
  const { parsePath } = await import('./compose-file/place.js');
  const troubles = refused.flatMap(({ name, problems }) =>
    problems.map(({ path, message, rule }) =>
      source.show(
        ['services', name, ...parsePath(path)],
        `${name}${path === '' ? '' : ` ${path}`}: ${message} [${rule}]`,
      ),
    ),
  );
  return `${troubles.join('\n\n')}\n\nRefused; nothing was written.`;
}

async function waitFor(
  client: CoordinatorClient,
  file: ComposeFile,
  timeoutMs: number,
  isTalkative: boolean,
): Promise<void> {
  const names = new Set(file.services.map(({ name }) => name));
  const startedMs = performance.now();
  let said = '';
  for (;;) {
    const { services } = await client.listServices({});
    const mine = services.filter(({ name }) => names.has(name));
    const isDone = ({ status }: (typeof mine)[number]): boolean =>
      status.rollout === 'steady' &&
      status.accepted &&
      status.targetRelease > 0 &&
      status.currentRelease === status.targetRelease &&
      status.running >= status.wanted;
    const progress = mine.map(({ name, status }) => `${name} ${status.running}/${status.wanted}`).join(', ');
    if (isTalkative && progress !== said)
      process.stdout.write(`  ${((performance.now() - startedMs) / 1000).toFixed(1)} s: ${progress}\n`);
    said = progress;
    if (mine.length === names.size && mine.every(isDone)) return;
    if (performance.now() - startedMs > timeoutMs)
      throw new CommandError(await describeTimeout(client, [...names]), EXIT.timedOut);
    await new Promise((wake) => setTimeout(wake, POLL_MS));
  }
}

async function describeTimeout(client: CoordinatorClient, services: readonly string[]): Promise<string> {
  const { instances } = await client.listInstances({ services });
  const reasons = instances
    .filter(({ status }) => status.reason !== '')
    .map(({ id, host, status }) => `  ${id} on ${host}: ${status.phase.toLowerCase()}: ${status.reason}`);
  return `Not everything runs as wanted yet; Berth goes on trying.\n${reasons.join('\n')}\n"berth services" and "berth ps" tell more.`;
}
