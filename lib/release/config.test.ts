import { emptyDocument } from '../documents/codec';
import { effectiveConfig, namedKeys, takenFrom } from './config';
import { fillContainer } from './fill-container';
import { jobContainer } from './job-container';

const { container: empty, deploy } = emptyDocument('Release');
const VALUES = {
  ...{ 'Service.Name': 'web', 'Service.ID': 'web', 'Task.ID': 'web-1-x', 'Task.Name': 'berth-web-1-x' },
  ...{ 'Task.Slot': '1', 'Node.Hostname': 'h1', 'Node.ID': 'n1' },
};
const MOUNT = {
  ...{ type: 'volume', source: '{{.Config.E}}', target: '/{{.Config.F}}', readOnly: false, tmpfsSizeBytes: 0 },
  ...{ tmpfsMode: 0, noCopy: false, createHostPath: false, propagation: '', nonRecursive: false, volumeDriver: '' },
  ...{ volumeDriverOptions: { o: '{{.Config.G}}' }, volumeLabels: { l: '{{.Config.H}}' }, volumeSubpath: '' },
  volumeExternal: false,
};
const web = {
  ...empty,
  command: ['--a={{.Config.A}}', '{{.Task.Slot}}'],
  entrypoint: ['{{.Config.B}}'],
  environment: { C: '{{.Config.C}}', ALL: '{{.Service.Labels.team}}' },
  labels: { team: '{{.Config.D}}' },
  hostname: '{{.Config.I}}',
  mounts: [MOUNT],
};
const config = Object.fromEntries([...'ABCDEFGHI'].map((key) => [key, key.toLowerCase()]));

test('config is taken in command, entrypoint, environment, labels, hostname and mounts', () => {
  expect([...namedKeys(web)].sort()).toEqual([...'ABCDEFGHI']);
  expect(fillContainer(web, VALUES, config)).toEqual({
    ...web,
    ...{ command: ['--a=a', '1'], entrypoint: ['b'], environment: { C: 'c', ALL: 'd' }, labels: { team: 'd' } },
    hostname: 'i',
    mounts: [{ ...MOUNT, source: 'e', target: '/f', volumeDriverOptions: { o: 'g' }, volumeLabels: { l: 'h' } }],
  });
});

test('a value that is not there is said to be', () => {
  expect(fillContainer(web, VALUES, { ...config, A: 'x', C: undefined as never })).toEqual({
    problem: '{{.Config.C}}: no config layer has C',
  });
});

test('with all of config, its values are in the environment, below what the service says itself', () => {
  const all = { ...empty, configEnvironment: true, environment: { A: '{{.Config.B}}' } };
  expect(fillContainer(all, VALUES, { A: '1', B: '2', constructor: '3' })).toMatchObject({
    environment: { A: '2', B: '2', constructor: '3' },
  });
});

test.each([
  ['only what is named', web, { A: '1', Z: '2', toString: '3' }, { A: '1' }],
  ['all', { ...web, configEnvironment: true }, { A: '1', Z: '2' }, { A: '1', Z: '2' }],
  ['nothing', empty, { A: '1' }, {}],
])('a container takes %s', (_, container, values, taken) => {
  expect(takenFrom(values, container)).toEqual(taken);
});

test('the host has the last word', () => {
  expect(effectiveConfig({ A: '1', B: '2' }, { B: '3', C: '4' })).toEqual({ A: '1', B: '3', C: '4' });
  expect(effectiveConfig({ A: '1' }, {})).toEqual({ A: '1' });
});

test('a job has its own command, and neither ports nor names nor addresses', () => {
  const network = {
    ...{ name: 'back', aliases: ['db'], ipv4Address: '10.0.0.2', ipv6Address: '', macAddress: '' },
    ...{ driverOptions: { x: 'y' }, linkLocalIps: [] },
  };
  const port = { name: '', target: 80, published: 80, protocol: 'tcp', hostIp: '' };
  const container = { ...web, ports: [port], networks: [network], drainMs: 5 };
  const job = jobContainer({ container, deploy: { ...deploy, before: { command: ['migrate'], timeoutMs: 1 } } });
  expect(job).toEqual({
    ...container,
    ...{ command: ['migrate'], ports: [], drainMs: 0 },
    networks: [{ ...network, aliases: [], ipv4Address: '' }],
    healthCheck: { test: ['NONE'], intervalMs: 0, timeoutMs: 0, startPeriodMs: 0, retries: 0 },
  });
});
