import { emptyDocument } from '../../../lib/documents/codec';
import type { ContainerSpec } from '../../../lib/documents/types';
import { addressOf, withResolvers } from './container-resolvers';

test.each<[string, Partial<ContainerSpec>, readonly string[]]>([
  ['on the default bridge', {}, ['172.17.0.1']],
  ["on a network of the operator's, whose own resolver asks it", { networks: [network('back')] }, ['172.17.0.1']],
  ['with resolvers of its own', { dns: ['10.0.0.53'] }, ['10.0.0.53']],
  ["on the host's network", { networkMode: 'host' }, []],
  ['without a network', { networkMode: 'none' }, []],
])('a container %s asks %j', (_, rest, dns) => {
  const container = { ...emptyDocument('Release').container, ...rest };
  expect(withResolvers(container, ['172.17.0.1']).dns).toEqual(dns);
});

function network(name: string): ContainerSpec['networks'][number] {
  const nothing = {
    aliases: [],
    ipv4Address: '',
    ipv6Address: '',
    macAddress: '',
    driverOptions: {},
    linkLocalIps: [],
  };
  return { name, ...nothing };
}

test.each([
  [{ Gateway: '172.17.0.1', Subnet: '172.17.0.0/16' }, '172.17.0.1'],
  [{ Subnet: '172.17.0.0/16' }, '172.17.0.1'],
  [{ Subnet: '10.9.0.128/25' }, '10.9.0.129'],
  [{ Gateway: 'fd00::1', Subnet: 'fd00::/64' }, 'fd00::1'],
  [{ Subnet: 'fd00::/64' }, ''],
  [{}, ''],
])('the address of a bridge that Docker describes by %j is "%s"', (config, address) => {
  expect(addressOf(config)).toBe(address);
});
