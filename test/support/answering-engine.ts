import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AnsweringEngine {
  /** As the setting `docker` has it. */
  readonly address: string;
  close(): void;
}

/** What a test says in the place of a Docker Engine. */
export async function startAnsweringEngine(answer: RequestListener): Promise<AnsweringEngine> {
  const server = createServer(answer);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    address: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Of GET /version: the oldest that is spoken to. */
export const ENGINE_VERSION = { ApiVersion: '1.41', MinAPIVersion: '1.12' };
