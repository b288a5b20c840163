/** Who this agent is: a random id in its state folder, and a lock on the folder. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, realpath } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { writeWhole } from '../lib/whole-file';

const FILE = 'agent-id';

/** A file that somebody else wrote there must not become an endless key in etcd. */
const MAX_ID_CHARACTERS = 64;

/** @returns the same id after every restart with the same folder; a new one when the file is empty. @throws Error of the file system */
export async function readAgentId(stateDir: string): Promise<string> {
  const path = join(stateDir, FILE);
  const known = (await readFile(path, 'utf8').catch(ifMissing)).trim();
  if (known !== '' && known.length <= MAX_ID_CHARACTERS) return known;
  const id = randomUUID();
  await writeWhole(path, `${id}\n`);
  return id;
}

/** A file that is there and can't be read is somebody's trouble: a new id would only hide it. */
function ifMissing(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return '';
  throw error;
}

/**
 * Creates the folder when it is missing, and locks it.
 * Held as long as the process lives and freed by the kernel however it ends: an abstract unix socket (unix(7))
 * named after the folder. @throws Error when another process on this host has it
 */
export async function lockStateDir(stateDir: string): Promise<Server> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  // However it is spelled.
  const folder = await realpath(stateDir);
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 32);
  return new Promise((resolve, reject) => {
    const lock = createServer((connection) => connection.destroy());
    lock.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE' ? new Error(`another agent is running with the state folder ${stateDir}`) : error,
      ),
    );
    lock.listen(`\0berth-agent-${name}`, () => resolve(lock.unref()));
  });
}
