import type { ForeignPort } from '../../docker/foreign-containers';
import { createFakeClock } from '../../../test/support/fake-clock';
import { foreignOn } from '../../../test/support/foreign';

/** "10.0.0.1:8080" is bound to port 80 of a container, unless another is named: "…->443/tcp". */
function bound(text: string): ForeignPort {
  const [, hostIp, published, target = '80', protocol = 'tcp'] = /^(.*):(\d+)(?:->(\d+)\/(\w+))?$/.exec(text) ?? [];
  return { target: Number(target), protocol, published: Number(published), hostIp: hostIp! };
}

/** Services of a container with the name "web" on host h1, each with its address. */
async function published(ports: readonly string[], address: string): Promise<readonly string[]> {
  const clock = createFakeClock();
  const words = { SERVICE_NAME: 'web' };
  const container = { id: 'c1', name: 'one', image: 'x', words, address: '', ports: ports.map(bound) };
  const list = () => Promise.resolve({ containers: [container], unread: new Map<string, undefined>() });
  const foreign = foreignOn(clock, { list }, { address });
  foreign.start(() => undefined);
  await clock.advance(0);
  foreign.stop();
  return foreign.wanted().endpoints.map(({ service, instance, endpoint }) => `${service} ${instance} ${endpoint.port}`);
}

test.each<[string, readonly string[], string, readonly string[]]>([
  ['bound to both families', ['0.0.0.0:8080', ':::8080'], '10.0.0.1', ['web h1-one-80 8080']],
  ['that has another number for IPv6', ['0.0.0.0:32791', ':::32790'], '10.0.0.1', ['web h1-one-80 32791']],
  ['the same, listed the other way round', [':::32790', '0.0.0.0:32791'], '10.0.0.1', ['web h1-one-80 32791']],
  ['the same, on a host with an address of IPv6', ['0.0.0.0:32791', ':::32790'], 'fd00::1', ['web h1-one-80 32790']],
  ['published twice', ['0.0.0.0:8080', '0.0.0.0:8081'], '10.0.0.1', ['web h1-one-80 8080']],
  ['on loopback, and on all', ['127.0.0.1:8080', '0.0.0.0:8081'], '10.0.0.1', ['web h1-one-80 8081']],
  ['on another address, and on the host’s', ['10.9.9.9:8080', '10.0.0.1:8081'], '10.0.0.1', ['web h1-one-80 8081']],
  ['on loopback alone', ['127.0.0.1:8080'], '10.0.0.1', []],
  ['on loopback alone, where loopback is the host’s', ['127.0.0.1:8080'], '127.0.0.1', ['web h1-one-80 8080']],
  ['as Docker tells it without an address', [':8080'], '10.0.0.1', ['web h1-one-80 8080']],
  [
    'of TCP and one of UDP',
    ['0.0.0.0:8080', '0.0.0.0:8080->80/udp'],
    '10.0.0.1',
    ['web-80 h1-one-80 8080', 'web-80 h1-one-80-udp 8080'],
  ],
])('a port %s', async (_, ports, address, services) => {
  expect(await published(ports, address)).toEqual(services);
});
