/** Where operators see that a layer of config can't be read: at whom it concerns. */
import { OperatedCluster } from '../../test/support/operated-cluster';

let cluster: OperatedCluster;
beforeEach(async () => {
  cluster = await OperatedCluster.start('h1', 'h2');
  const { keys } = cluster;
  await cluster.put(keys.service('all'), 'image: a\nx-berth: { config: all }\n');
  await cluster.put(keys.service('none'), 'image: a\n');
  await cluster.clock.advance(10_000);
});

/** Names of the services and hosts that tell something, and what. */
async function told(): Promise<readonly (readonly string[])[]> {
  const { services } = await cluster.lead.api.listServices({ services: [] });
  const { hosts } = await cluster.lead.api.listHosts({ hosts: [] });
  return [
    ...services.map(({ name, status }) => [name, ...status.problems.map(({ message }) => message)]),
    ...hosts.map(({ name, problems }) => [name, ...problems.map(({ message }) => message)]),
  ].filter(([, ...messages]) => messages.length > 0);
}

test.each([
  ["the cluster's: whoever takes config", 'cluster', ['all']],
  ["a service's: that service", 'services/none', ['none']],
  ["a host's: that host", 'hosts/h2', ['h2']],
  ['of a service that is called as a host is', 'services/h2', []],
])('%s', async (_, path, whom) => {
  await cluster.put(`${cluster.keys.config}${path}`, 'A: x\n');
  await cluster.put(`${cluster.keys.config}${path}`, 'A: x\nB: [y]\n');
  await cluster.clock.advance(1000);
  const message = `config/${path}, line 2:4: this is a list; B is nested; a layer is flat: write each value under a key of its own`;
  expect(await told()).toEqual(whom.map((name) => [name, message]));
  await cluster.put(`${cluster.keys.config}${path}`, 'A: x\n');
  await cluster.clock.advance(1000);
  expect(await told()).toEqual([]);
});
