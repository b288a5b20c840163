import type { AgentClient } from '../lib/rpc/types';
import { CommandError, EXIT } from './exit-codes';
import { clean } from './output/clean';

export const DEFAULT_SOCKET = '/run/berth/agent.sock';

/**
 * Asks the agent of this host.
 * @param socket from the command line; else BERTH_SOCKET, else the usual one
 * @throws CommandError that says why nobody answers, or what the agent says is wrong with the question
 */
export async function withAgent<T>(socket: string | undefined, act: (client: AgentClient) => Promise<T>): Promise<T> {
  const { connectAgent } = await import('../lib/rpc/client.js');
  const { RpcError } = await import('../lib/rpc/types.js');
  const path = socket ?? (process.env['BERTH_SOCKET'] || DEFAULT_SOCKET);
  const client = connectAgent(path);
  try {
    return await act(client);
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    if (error.code === 'invalid') throw new CommandError(clean(error.message), EXIT.usage);
    throw new CommandError(explainSilence(path, error));
  } finally {
    client.close();
  }
}

export function explainSilence(
  socket: string,
  { code, message }: { readonly code: string; readonly message: string },
): string {
  const head = `No agent answers at ${socket}: `;
  const other = 'If its settings have another socket: --socket, or BERTH_SOCKET.';
  if (/EACCES|EPERM/.test(message)) return `${head}permission denied. Only root may ask; try sudo.`;
  if (/ENOENT/.test(message))
    return `${head}there is no such socket. Does an agent run here ("systemctl status berth-agent")? ${other}`;
  if (/ECONNREFUSED|ENOTSOCK|ECONNRESET/.test(message))
    return `${head}nobody listens. It was killed, or is about to start ("systemctl status berth-agent"). ${other}`;
  const why = code === 'deadline' ? 'no answer in time' : clean(message);
  return `${head}${why}\nIts log tells more: journalctl -u berth-agent`;
}
