import { connectCoordinator } from './client';
import { serveCoordinator } from './server';
import { answering } from '../../test/support/fake-coordinator';
import { RpcError } from './types';

const calls = answering({
  apply: async ({ services, project }) => ({
    refused: [],
    applied: services.map(({ name }) => ({ name: `${project}/${name}`, action: 'created', held: '' })),
  }),
  remove: async () => {
    throw new RpcError('not-found', 'there is no service "api"');
  },
  listServices: async () => {
    throw new RpcError('unavailable', 'etcd can not be reached');
  },
  listInstances: async () => ({ instances: [], freshness: { etcdConnected: true, ageMs: 5, revision: 2 ** 40 } }),
  listHosts: () => new Promise(() => undefined),
  removeHost: async ({ host }) => {
    throw new RpcError('refused', `${host} lives`);
  },
  getVersion: async () => ({ version: '1.2.3', leader: true }),
});

test('calls, errors and deadlines cross the wire', async () => {
  const server = await serveCoordinator('127.0.0.1:0', calls);
  const client = connectCoordinator(server.address, 500);
  try {
    expect(await client.getVersion({})).toEqual({ version: '1.2.3', leader: true });
    expect(await client.apply({ project: 'p', services: [{ name: 'web', document: '' }], by: '', at: '' })).toEqual({
      refused: [],
      applied: [{ name: 'p/web', action: 'created', held: '' }],
    });
    expect((await client.listInstances({ services: [], hosts: [] })).freshness.revision).toBe(2 ** 40);
    await expect(client.remove({ services: ['api'] })).rejects.toMatchObject({
      code: 'not-found',
      message: 'there is no service "api"',
    });
    await expect(client.removeHost({ host: 'h1' })).rejects.toMatchObject({ code: 'refused', message: 'h1 lives' });
    await expect(client.listServices({ services: [] })).rejects.toMatchObject({ code: 'unavailable', temporary: true });
    await expect(client.listHosts({ hosts: [] })).rejects.toMatchObject({ code: 'deadline' });
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
