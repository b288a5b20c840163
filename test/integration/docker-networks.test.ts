/** How containers are reached, and whom they reach, on a real Docker Engine: networks, ports, name resolution. */
import { randomInt } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { composed, type Composed } from '../support/composed';
import { docker } from '../support/docker';
import { expectEngineError } from '../support/engine-subjects';
import { until } from '../support/wait';

let of: Composed;
beforeEach(async () => void (of = await composed()));
afterEach(() => of.cleanUp());

/** A network of the operator's, with addresses that hardly anybody has. */
async function subnet(name: string): Promise<{ readonly network: string; readonly v4: string; readonly v6: string }> {
  const [a, b] = [randomInt(256), randomInt(256)];
  const [v4, v6] = [`10.${a}.${b}`, `fd00:b:${a}:${b}::`];
  const network = await of.network(name, '--ipv6', '--subnet', `${v4}.0/24`, '--subnet', `${v6}/64`);
  return { network, v4, v6 };
}

describe('network_mode', () => {
  test.each(['host', 'none', 'bridge'])('%s', async (mode) => {
    const id = await of.start(`network_mode: ${mode}`);
    const ours = readlinkSync('/proc/self/ns/net');
    expect((await of.inside(id, 'busybox readlink /proc/self/ns/net')) === ours).toBe(mode === 'host');
    expect(await of.inside(id, 'busybox ls /sys/class/net')).toMatch(
      { host: /lo/, none: /^lo$/, bridge: /eth0/ }[mode]!,
    );
    expect((await of.engine.list())[0]?.address).toMatch({ host: /^127\.0\.0\.1$/, none: /^$/, bridge: /\./ }[mode]!);
  });
});

test('a network of the host, with names and fixed addresses', async () => {
  const { network, v4, v6 } = await subnet('one');
  const settings = `aliases: [db, db.example], ipv4_address: ${v4}.77, ipv6_address: "${v6}77", mac_address: "02:42:ac:11:00:99"`;
  const id = await of.start(`networks: { ${network}: { ${settings}, priority: 1 } }`);
  expect(await of.inside(id, 'busybox ip addr show eth0')).toMatch(
    new RegExp(`02:42:ac:11:00:99[^]*${v4}\\.77/24[^]*fd00.*77/64`),
  );
  expect((await of.engine.list())[0]?.address).toBe(`${v4}.77`);
  // The name of the service is an alias as well, as in Compose.
  const other = await of.start(`networks: [${network}]`, 2);
  for (const name of ['db', 'db.example', 'web'])
    expect(await of.inside(other, `busybox nslookup ${name} 127.0.0.11`)).toContain(`${v4}.77`);
});

test('several networks: the first by priority has the ports, all are there at the start', async () => {
  const [low, high] = [await subnet('low'), await subnet('high')];
  const id = await of.start(
    `networks: { ${low.network}: { aliases: [low] }, ${high.network}: { priority: 10 }, default: }
command: sh -c "busybox ls /sys/class/net; exec sleep 300"`,
  );
  const { HostConfig, NetworkSettings } = await of.inspect(id);
  expect(HostConfig.NetworkMode).toBe(high.network);
  expect(Object.keys(NetworkSettings.Networks).sort()).toEqual(['bridge', high.network, low.network].sort());
  expect(NetworkSettings.Networks[low.network]?.Aliases).toEqual(expect.arrayContaining(['low', 'web']));
  const interfaces = (await until('the list of interfaces', () => docker('logs', id))).split('\n');
  expect(interfaces).toEqual(['eth0', 'eth1', 'eth2', 'lo']);
  expect((await of.engine.list())[0]?.address).toContain(high.v4);
});

test('link_local_ips and driver_opts arrive', async () => {
  const { network } = await subnet('one');
  const id = await of.create(`networks: { ${network}: { link_local_ips: [169.254.7.7], driver_opts: { a.b: c } } }`);
  expect((await of.inspect(id)).NetworkSettings.Networks[network]).toMatchObject({
    IPAMConfig: { LinkLocalIPs: ['169.254.7.7'] },
    DriverOpts: { 'a.b': 'c' },
  });
});

test('nothing is left of a container that does not get on all of its networks', async () => {
  const { network } = await subnet('one');
  // Docker's own bridge takes no second container address of choice.
  const bad = `networks: { ${network}: { priority: 1 }, bridge: { ipv4_address: 172.17.0.99 } }`;
  await expectEngineError(of.create(bad), 'bad-request', /user configured subnets|user specified IP|user defined/i);
  expect(await of.engine.list()).toEqual([]);
});

test('an address that is not of the network is refused with the reason', async () => {
  const { network } = await subnet('one');
  const making = of.start(`networks: { ${network}: { ipv4_address: 192.0.2.1 } }`);
  await expectEngineError(making, expect.any(String) as never, /belong|subnet/i);
});

describe('ports', () => {
  test('of a range, in the short and the long form: each instance has one of its own', async () => {
    const lines = `ports: ["28700-28701:80", { target: 81, published: "28710-28711" }]`;
    const ids = [await of.start(lines, 1), await of.start(lines, 2)];
    const published = (await of.engine.list()).flatMap(({ ports }) => ports.map((port) => port.published));
    expect([...published].sort()).toEqual([28700, 28701, 28710, 28711]);
    expect(await docker('port', ids[0]!)).toMatch(/80\/tcp -> [^]*:2870[01][^]*81\/tcp -> [^]*:2871[01]/);
    await expect(of.create(lines, 3)).rejects.toThrow(/no free host port among 2 tried of 28700 to 28701/);
  });

  test('on an IPv6 address', async () => {
    const id = await of.start(
      `ports: ["[::1]:28720:80", { target: 80, published: 28721, host_ip: "::1" }]\ncommand: httpd -f -p 80 -h /etc`,
    );
    expect(await docker('port', id)).toContain('[::1]:28720');
    for (const port of [28720, 28721]) expect((await fetch(`http://[::1]:${port}/passwd`)).status).toBe(200);
  });

  test('sctp, as far as the kernel of the host has it', async () => {
    const id = await of.create('ports: ["28730:80/sctp"]');
    expect((await of.inspect(id)).HostConfig.PortBindings).toEqual({
      '80/sctp': [{ HostIp: '', HostPort: '28730' }],
    });
    const hasSctp = /^SCTP /m.test(readFileSync('/proc/net/protocols', 'utf8'));
    const starting = of.engine.start(id).then(
      () => 'started',
      (error: Error) => error.message,
    );
    expect(await starting).toMatch(hasSctp ? /started/ : /protocol not supported/);
  });
});

describe('name resolution', () => {
  test('dns, dns_opt and dns_search', async () => {
    const id = await of.start(
      'dns: [192.0.2.53, "2001:db8::53"]\ndns_opt: ["ndots:3", use-vc]\ndns_search: example.com',
    );
    const resolv = await of.inside(id, 'cat /etc/resolv.conf');
    expect(resolv).toMatch(/^nameserver 192\.0\.2\.53$/m);
    expect(resolv).toMatch(/^nameserver 2001:db8::53$/m);
    expect(resolv).toMatch(/^search example\.com$/m);
    expect(resolv).toMatch(/^options ndots:3 use-vc$/m);
  });

  test('extra_hosts, in every form', async () => {
    const id = await of.start(
      'extra_hosts: ["a:192.0.2.1", "b=192.0.2.2", "c=[2001:db8::3]", "d:2001:db8::4", "up=host-gateway"]',
    );
    const hosts = await of.inside(id, 'cat /etc/hosts');
    for (const line of ['192.0.2.1\ta', '192.0.2.2\tb', '2001:db8::3\tc', '2001:db8::4\td'])
      expect(hosts).toContain(line);
    expect(hosts).toMatch(/^[\d.]+\tup$/m);
    const map = await of.start('extra_hosts: { e: 192.0.2.5, f: [192.0.2.6, 192.0.2.7] }', 2);
    expect(await of.inside(map, 'cat /etc/hosts')).toMatch(/192\.0\.2\.5\te\n192\.0\.2\.6\tf\n192\.0\.2\.7\tf/);
  });
});
