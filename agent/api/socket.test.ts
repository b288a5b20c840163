/** The socket, on a real file system. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { connectAgent } from '../../lib/rpc/client';
import type { AgentCalls, AgentStatus } from '../../lib/rpc/types';
import { serveOnSocket } from './socket';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'berth-socket-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const calls: AgentCalls = {
  getStatus: async () => ({ host: 'h1', agentVersion: '1', upMs: 1, instances: [] }) as unknown as AgentStatus,
  explainName: () => Promise.reject(new Error('nobody asks')),
};

async function hostAt(path: string): Promise<string> {
  const client = connectAgent(path, 5000);
  try {
    return (await client.getStatus({})).host;
  } finally {
    client.close();
  }
}

test('it is made with its folder, for its owner alone, answers, and goes', async () => {
  const path = join(folder, 'berth/agent.sock');
  const server = await serveOnSocket(path, calls);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(path).isSocket()).toBe(true);
  expect(await hostAt(path)).toBe('h1');
  await server.close();
  expect(existsSync(path)).toBe(false);
  await expect(hostAt(path)).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('ENOENT') });
});

test('what an agent left that was killed is replaced', async () => {
  const path = join(folder, 'agent.sock');
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
  expect(statSync(path).isSocket()).toBe(true);
  await expect(hostAt(path)).rejects.toMatchObject({ message: expect.stringContaining('ECONNREFUSED') });
  const server = await serveOnSocket(path, calls);
  expect(await hostAt(path)).toBe('h1');
  await server.close();
});

test('one that answers is left alone', async () => {
  const path = join(folder, 'agent.sock');
  const first = await serveOnSocket(path, calls);
  await expect(serveOnSocket(path, calls)).rejects.toThrow(/another agent answers at/);
  expect(await hostAt(path)).toBe('h1');
  await first.close();
});

test('one that takes connections and says nothing is somebody too', async () => {
  const path = join(folder, 'agent.sock');
  const silent = createServer();
  await new Promise<void>((ready) => silent.listen(path, ready));
  await expect(serveOnSocket(path, calls)).rejects.toThrow(/another agent answers at/);
  await new Promise((done) => silent.close(done));
});

test.each([
  ['a folder that is a file', 'file/agent.sock'],
  ['a folder that has its name', 'taken'],
  ['a folder of a folder that is not there', 'no/such/agent.sock'],
])('%s: it says so', async (_, path) => {
  writeFileSync(join(folder, 'file'), '');
  mkdirSync(join(folder, 'taken/x'), { recursive: true });
  await expect(serveOnSocket(join(folder, path), calls)).rejects.toThrow(/EEXIST|ENOTDIR|EISDIR|ENOENT/);
});
