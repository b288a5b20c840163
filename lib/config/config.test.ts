import { ConfigError } from './settings';
import { loadAgentConfig, loadCoordinatorConfig } from './daemons';

const none = { flags: {}, env: {} };

function problemsOf(load: () => unknown): readonly string[] {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('defaults are those of the documentation', () => {
  expect(loadCoordinatorConfig(none)).toEqual({
    etcd: ['http://127.0.0.1:2379'],
    prefix: '/berth',
    http: '127.0.0.1:7422',
    address: '',
    prometheusFile: '',
    grpc: '127.0.0.1:7420',
    leaseTtl: 5000,
    logLevel: 'info',
  });
});

test('a flag wins over the environment, which wins over the file', () => {
  const file = {
    name: 'agent.yaml',
    text: 'name: from-file\naddress: 10.0.0.3\nlease-ttl: 7s\nlabels: { zone: a, disk: ssd }\netcd: [http://a:1, http://b:2]',
  };
  const config = loadAgentConfig({
    flags: { name: 'from-flag' },
    env: { BERTH_NAME: 'from-env', BERTH_ADDRESS: '10.0.0.2' },
    file,
  });
  expect(config).toMatchObject({
    name: 'from-flag',
    address: '10.0.0.2',
    leaseTtl: 7000,
    labels: { zone: 'a', disk: 'ssd' },
    etcd: ['http://a:1', 'http://b:2'],
  });
  expect(Object.isFrozen(config)).toBe(true);
});

test('all problems are listed at once, each with its source', () => {
  const file = { name: 'agent.yaml', text: 'lease-tll: 5s\nport-range: 9-1' };
  expect(
    problemsOf(() =>
      loadAgentConfig({
        flags: { name: 'Bad_Name', docker: 'docker.sock' },
        env: { BERTH_LEASE_TTL: '1s', BERTH_HTTP: '7423' },
        file,
      }),
    ),
  ).toEqual([
    'agent.yaml: there is no setting "lease-tll"; did you mean "lease-ttl"?',
    expect.stringMatching(/^--name: "Bad_Name" is not a DNS label/),
    expect.stringMatching(/^--docker: "docker.sock" is not the address of a Docker Engine/),
    expect.stringMatching(/^BERTH_HTTP: "7423" is no address/),
    'agent.yaml: port-range: "9-1" is not a range of ports; write 20000-32767',
    expect.stringMatching(/^BERTH_LEASE_TTL: "1s" is not a duration from 2s to 1m/),
  ]);
});

test('a file that is no YAML, or no map, is refused', () => {
  expect(problemsOf(() => loadAgentConfig({ ...none, file: { name: 'f', text: 'a: [' } }))[0]).toMatch(
    /^f:1: not YAML: Flow sequence/,
  );
  expect(problemsOf(() => loadAgentConfig({ ...none, file: { name: 'f', text: '- a' } }))).toEqual([
    'f: wants "name: value" lines',
  ]);
  expect(problemsOf(() => loadAgentConfig({ ...none, file: { name: 'f', text: '' } }))).toEqual([]);
  expect(problemsOf(() => loadAgentConfig({ ...none, file: { name: 'f', text: 'name: a\nname: b' } }))).toEqual([
    'f:2: the key "name" is there twice',
  ]);
});

test('numbers of the file are read as they are written', () => {
  const file = { name: 'f', text: 'labels: { version: 1.10 }' };
  expect(loadAgentConfig({ ...none, file }).labels).toEqual({ version: '1.10' });
});

describe('named resources', () => {
  const resources = (text: string): unknown => loadAgentConfig({ ...none, file: { name: 'f', text } }).resources;

  test.each([
    ['resources: "gpu=2, licence=1"', { gpu: 2, licence: 1 }],
    ['resources: { gpu: 2, licence: 1 }', { gpu: 2, licence: 1 }],
    ['resources: ""', {}],
    ['resources: gpu=0', { gpu: 0 }],
  ])('%s', (text, found) => {
    expect(resources(text)).toEqual(found);
  });

  test.each([
    ['gpu', /"gpu" is not a named resource; write gpu=2,licence=1/],
    ['gpu=half', /"gpu=half" is not a named resource/],
    ['gpu=-1', /is not a named resource/],
    ['=1', /is not a named resource/],
    ['gpu=1,gpu=2', /it has "gpu" twice/],
  ])('"%s" is refused', (text, why) => {
    expect(problemsOf(() => resources(`resources: "${text}"`))).toEqual([expect.stringMatching(why)]);
  });
});

describe('registries', () => {
  const agent = (file: string): ReturnType<typeof loadAgentConfig> =>
    loadAgentConfig({ ...none, file: { name: 'f', text: file } });
  const hub = { registry: 'm1:5000', path: '' };
  const proxy = { registry: 'harbor.example.com', path: 'hub' };

  test.each([
    ['registry-mirrors: "docker.io=https://m1:5000/,harbor.example.com/hub, registry.example.com=m1:5000"'],
    ['registry-mirrors: { docker.io: [m1:5000, harbor.example.com/hub], registry.example.com: "m1:5000" }'],
    ['registry-mirrors: "docker.io=m1:5000,registry.example.com=m1:5000,index.docker.io=harbor.example.com/hub"'],
  ])('%s', (text) => {
    expect([...agent(text).registryMirrors]).toEqual([
      ['docker.io', [hub, proxy]],
      ['registry.example.com', [hub]],
    ]);
  });

  test.each([
    ['m1:5000'],
    ['docker.io='],
    ['docker.io=mirror'],
    ['docker.io=http://m1:5000'],
    ['docker.io/x=m1:5000'],
    ['a=m1:5000'],
  ])('mirrors "%s" are refused', (text) => {
    expect(problemsOf(() => agent(`registry-mirrors: "${text}"`))).toEqual([
      expect.stringMatching(/^f: registry-mirrors: ".*" is not a mirror of a registry; write docker\.io=/),
    ]);
  });

  test.each([
    ['0', 0],
    ['1G', 1024 ** 3],
    ['1.5gb', 1.5 * 1024 ** 3],
    ['500M', 500 * 1024 ** 2],
    ['2t', 2 * 1024 ** 4],
    ['123', 123],
  ])('free space: %s', (text, bytes) => {
    expect(agent(`min-free-space: ${text}`).minFreeSpace).toBe(bytes);
  });

  test.each(['-1G', 'much', '1P', ''])('free space of "%s" is refused', (text) => {
    expect(problemsOf(() => agent(`min-free-space: "${text}"`))).toHaveLength(1);
  });
});

describe('DNS', () => {
  const agent = (text: string): ReturnType<typeof loadAgentConfig> =>
    loadAgentConfig({ ...none, file: { name: 'f', text } });

  test('defaults', () => {
    expect(agent('')).toMatchObject({ dns: ['127.0.0.1:7453'], dnsDomain: 'berth', dnsTtl: 1 });
    expect(agent('')).toMatchObject({ dnsPreferZone: false, dnsUpstreams: [] });
  });

  test.each([
    ['dns: ""', { dns: [] }],
    ['dns: [127.0.0.1:53, "[::1]:53"]', { dns: ['127.0.0.1:53', '[::1]:53'] }],
    ['dns-domain: a.example.com', { dnsDomain: 'a.example.com' }],
    ['dns-ttl: 5m', { dnsTtl: 300 }],
    ['dns-prefer-zone: true', { dnsPreferZone: true }],
    ['dns-upstreams: [10.0.0.53, "2001:db8::53"]', { dnsUpstreams: ['10.0.0.53:53', '[2001:db8::53]:53'] }],
    ['dns-upstreams: "10.0.0.53:5353,[::1],[::1]:54"', { dnsUpstreams: ['10.0.0.53:5353', '[::1]:53', '[::1]:54'] }],
  ])('%s', (text, found) => {
    expect(agent(text)).toMatchObject(found);
  });

  test.each([
    ['dns: 127.0.0.1'],
    ['dns: localhost:53'],
    ['dns-domain: Berth'],
    ['dns-domain: ""'],
    ['dns-domain: berth.'],
    ['dns-ttl: 6m'],
    ['dns-ttl: 1500ms'],
    ['dns-prefer-zone: yes'],
    ['dns-upstreams: ns.example.com'],
    ['dns-upstreams: 10.0.0.53:0'],
    ['dns-upstreams: "10.0.0.53:x"'],
  ])('%s is refused', (text) => {
    expect(problemsOf(() => agent(text))).toHaveLength(1);
  });
});
