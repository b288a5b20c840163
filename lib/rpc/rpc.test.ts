import { connectCoordinator } from './client';
import { serveCoordinator } from './server';
import { RpcError, type CoordinatorCalls } from './types';

const calls: CoordinatorCalls = {
  apply: async ({ services, project }) => ({
    refused: [],
    applied: services.map(({ name }) => ({ name: `${project}/${name}`, action: 'created' })),
  }),
  remove: async () => {
    throw new RpcError('not-found', 'there is no service "api"');
  },
  listServices: async () => {
    throw new RpcError('unavailable', 'etcd can not be reached');
  },
  listInstances: async () => ({ instances: [], freshness: { etcdConnected: true, ageMs: 5, revision: 2 ** 40 } }),
  listHosts: () => new Promise(() => undefined),
  pause: async ({ name, forMs }) => ({ pause: { kind: 'service', name, untilMs: forMs, reason: '', by: '' } }),
  resume: async () => ({ kind: 'host' }),
  listPauses: async () => ({ pauses: [], problems: [], freshness: { etcdConnected: true, ageMs: 0, revision: 1 } }),
  getVersion: async () => ({ version: '1.2.3', leader: true }),
};

test('calls, errors and deadlines cross the wire', async () => {
  const server = await serveCoordinator('127.0.0.1:0', calls);
  const client = connectCoordinator(server.address, 500);
  try {
    expect(await client.getVersion({})).toEqual({ version: '1.2.3', leader: true });
    expect(await client.apply({ project: 'p', services: [{ name: 'web', document: '' }] })).toEqual({
      refused: [],
      applied: [{ name: 'p/web', action: 'created' }],
    });
    expect((await client.listInstances({ services: [] })).freshness.revision).toBe(2 ** 40);
    await expect(client.remove({ services: ['api'] })).rejects.toMatchObject({
      code: 'not-found',
      message: 'there is no service "api"',
    });
    await expect(client.listServices({})).rejects.toMatchObject({ code: 'unavailable', temporary: true });
    await expect(client.listHosts({})).rejects.toMatchObject({ code: 'deadline' });
  } finally {
    client.close();
    await server.close();
  }
});

test('a coordinator that is not there is unavailable', async () => {
  const client = connectCoordinator('127.0.0.1:1', 2000);
  await expect(client.getVersion({})).rejects.toMatchObject({ code: 'unavailable' });
  client.close();
});
