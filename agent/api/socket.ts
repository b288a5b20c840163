/** The unix socket of the agent's RPCs: for those who may open it, which is root. */
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { dirname } from 'node:path';
import { serveAgent, type RpcServer } from '../../lib/rpc/server';
import type { AgentCalls } from '../../lib/rpc/types';

/** One that takes no connection within this is nobody's. */
const PROBE_MS = 1000;

/**
 * Serves at the path, with its folder created when it is missing. What an agent left that was killed is replaced.
 * @returns the socket is removed when it is closed
 * @throws Error when another agent answers there, or the socket can't be made
 */
export async function serveOnSocket(path: string, calls: AgentCalls): Promise<RpcServer> {
  // One folder, and not recursively: Node tries for ever where a file system takes none (/proc).
  await mkdir(dirname(path), { mode: 0o755 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  if (await answers(path)) throw new Error(`another agent answers at ${path}; give each a --socket of its own`);
  // Under its name only when nobody but its owner can open it.
  const unfinished = `${path}.new`;
  await rm(unfinished, { force: true });
  const server = await serveAgent(unfinished, calls);
  try {
    await chmod(unfinished, 0o600);
    await rename(unfinished, path);
  } catch (error) {
    await server.close();
    throw error;
  }
  return {
    address: path,
    close: async () => {
      await rm(path, { force: true });
      await server.close();
    },
  };
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = createConnection(path);
    const end = (isAnswer: boolean): void => {
      connection.destroy();
      resolve(isAnswer);
    };
    connection.setTimeout(PROBE_MS, () => end(true));
    connection.once('connect', () => end(true)).once('error', () => end(false));
  });
}
