import util from 'node:util';
import { ENGINE_VERSION, startAnsweringEngine } from '../../test/support/answering-engine';
import { systemClock } from '../../lib/clock';
import { DockerConnection } from './connection';

test('docker-modem, which formats the options of every call for its debug log, finds little to format', async () => {
  const dockerd = await startAnsweringEngine((request, answer) => {
    answer.setHeader('content-type', 'application/json');
    answer.end(JSON.stringify(request.url === '/version' ? ENGINE_VERSION : []));
  });
  const inspect = jest.spyOn(util, 'inspect');
  try {
    const connection = new DockerConnection(dockerd.address, systemClock);
    await connection.call('list', 10_000, (docker, abortSignal) => docker.listContainers({ abortSignal }));
    const lengths = inspect.mock.results.map(({ value }) => String(value).length);
    expect(lengths).toHaveLength(2);
    expect(Math.max(...lengths)).toBeLessThan(4000);
  } finally {
    inspect.mockRestore();
    dockerd.close();
  }
});
