/** Who this agent is: a random id in its state folder, and a lock on the folder. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';

const FILE = 'agent-id';

/** @returns the same id after every restart with the same folder. @throws Error of the file system */
export async function readAgentId(stateDir: string): Promise<string> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const path = join(stateDir, FILE);
  const known = (await readFile(path, 'utf8').catch(() => '')).trim();
  if (known !== '') return known;
  const id = randomUUID();
  await writeFile(path, `${id}\n`, { mode: 0o600 });
  return id;
}

/**
 * Held as long as the process lives and freed by the kernel however it ends: an abstract unix socket (unix(7))
 * named after the folder. @throws Error when another process on this host has it
 */
export function lockStateDir(stateDir: string): Promise<Server> {
  const name = createHash('sha256').update(stateDir).digest('hex').slice(0, 32);
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
