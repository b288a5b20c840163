/** Finds the Compose file that `berth apply` means, and what belongs to it: variables, project, folder. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { ComposeFile } from './compose-file/compose-file';
import { CommandError, EXIT } from './exit-codes';
import { readText, readTextIfThere } from './read-text';

export interface FileOptions {
  readonly file?: readonly string[];
  readonly envFile?: readonly string[];
  readonly projectName?: string;
}

const USUAL_FILES = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];
/** Compose merges these into the usual ones by itself. */
const OVERRIDES = USUAL_FILES.map((name) => name.replace('.y', '.override.y'));
const MERGES = 'docker compose config | berth apply -f -';

/** @throws CommandError that says what is wrong, and where */
export async function findAndRead(options: FileOptions): Promise<ComposeFile> {
  const { readComposeFile } = await import('./compose-file/compose-file.js');
  const { ComposeFileError } = await import('./compose-file/place.js');
  const file = chooseFile(options.file);
  const folder = file === '-' ? process.cwd() : dirname(resolve(file));
  if (file === '-' && process.stdin.isTTY)
    process.stderr.write('Reading a Compose file from the keyboard; Ctrl-D ends it.\n');
  const text = orFail(file, () => readText(file));
  try {
    const variables = await readVariables(options.envFile, folder);
    const project = options.projectName ?? (variables.get('COMPOSE_PROJECT_NAME') || undefined);
    const read = readComposeFile({
      name: file === '-' ? 'standard input' : file,
      text,
      variables,
      ...(project !== undefined && { project }),
      folderName: basename(folder),
      files: {
        read: (path) => orFail(path, () => readTextIfThere(absolute(folder, path))),
        absolute: (path) => absolute(folder, path),
      },
    });
    return { ...read, warnings: [...unreadFiles(options.file), ...read.warnings] };
  } catch (error) {
    if (!(error instanceof ComposeFileError)) throw error;
    throw new CommandError(`${error.message}\n\nRefused; nothing was written.`, EXIT.refused);
  }
}

function chooseFile(given: readonly string[] | undefined): string {
  if (given !== undefined && given.length > 1)
    throw new CommandError(
      `One file at a time. Docker Compose merges several: docker compose ${given.map((name) => `-f ${name}`).join(' ')} config | berth apply -f -`,
      EXIT.usage,
    );
  const file = given?.[0] ?? USUAL_FILES.find((name) => existsSync(name));
  if (file !== undefined && file !== '') return file;
  throw new CommandError(`There is no ${USUAL_FILES.join(', no ')} here. Name one: -f FILE`, EXIT.usage);
}

/** What Compose would read as well and Berth does not. */
function unreadFiles(given: readonly string[] | undefined): readonly string[] {
  if (given !== undefined) return [];
  const override = OVERRIDES.find((name) => existsSync(name));
  return [
    ...(override === undefined ? [] : [`${override} is not read; to merge it: ${MERGES}`]),
    ...(process.env['COMPOSE_FILE'] ? [`COMPOSE_FILE is not followed; name the file with -f, or: ${MERGES}`] : []),
  ];
}

/** The shell wins over the files. */
async function readVariables(
  given: readonly string[] | undefined,
  folder: string,
): Promise<ReadonlyMap<string, string>> {
  const { parseEnvFile } = await import('./compose-file/env-file.js');
  const shell = new Map(Object.entries(process.env).filter((pair): pair is [string, string] => pair[1] !== undefined));
  const found = new Map<string, string>();
  for (const name of given ?? [join(folder, '.env')]) {
    const text = orFail(name, () => (given === undefined ? readTextIfThere(name) : readText(name)));
    const variables = { get: (key: string) => shell.get(key) ?? found.get(key) };
    const values = parseEnvFile({ name, text: text ?? '' }, { variables, onUnset: () => undefined });
    for (const [key, { value }] of values) found.set(key, value);
  }
  return new Map([...found, ...shell]);
}

function absolute(folder: string, path: string): string {
  return resolve(folder, path.replace(/^~(?=\/|$)/, homedir()));
}

function orFail<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = { ENOENT: 'there is no such file', EISDIR: 'it is a folder', EACCES: 'you may not read it' }[
      code ?? ''
    ];
    throw new CommandError(`can not read ${name === '-' ? 'standard input' : name}: ${why ?? message}`);
  }
}
