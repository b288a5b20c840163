import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import util from 'node:util';
import { systemClock } from '../../lib/clock';
import { DockerConnection } from './connection';

test('docker-modem, which formats the options of every call for its debug log, finds little to format', async () => {
  const server = createServer((request, answer) => {
    answer.setHeader('content-type', 'application/json');
    answer.end(request.url === '/version' ? '{"ApiVersion":"1.41","MinAPIVersion":"1.12"}' : '[]');
  }).listen(0, '127.0.0.1');
  const inspect = jest.spyOn(util, 'inspect');
  try {
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const connection = new DockerConnection(`tcp://127.0.0.1:${port}`, systemClock);
    await connection.call('list', 10_000, (docker, abortSignal) => docker.listContainers({ abortSignal }));
    const lengths = inspect.mock.results.map(({ value }) => String(value).length);
    expect(lengths).toHaveLength(2);
    expect(Math.max(...lengths)).toBeLessThan(4000);
  } finally {
    inspect.mockRestore();
    server.close();
  }
});
