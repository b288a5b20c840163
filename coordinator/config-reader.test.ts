import { keysUnder } from '../lib/documents/keys';
import { ViewReader } from './view-reader';

const keys = keysUnder('/b');
let reader: ViewReader;
let revision: number;
beforeEach(() => ([reader, revision] = [new ViewReader(keys), 1]));

function put(key: string, value: string | undefined): void {
  const kv = value === undefined ? undefined : { key, value, createRevision: 1, modRevision: ++revision };
  reader.read(key, kv);
}
const { clusterConfig } = keys;
const seen = (): readonly string[] =>
  reader.view.problems.map(({ rule, key, line, column }) => `${rule} ${key} ${line}:${column}`);

test('three kinds of layers, each under its own key', () => {
  put(clusterConfig, 'A: 1');
  put(keys.serviceConfig('web'), 'B: 2');
  put(keys.hostConfig('h1'), 'C: 3');
  const { cluster, services, hosts } = reader.view.config;
  expect([cluster, services.get('web'), hosts.get('h1')]).toEqual([
    { values: new Map([['A', '1']]), modRevision: 2 },
    { values: new Map([['B', '2']]), modRevision: 3 },
    { values: new Map([['C', '3']]), modRevision: 4 },
  ]);
  expect(seen()).toEqual([]);
  for (const key of [clusterConfig, keys.serviceConfig('web'), keys.hostConfig('h1')]) put(key, undefined);
  expect(reader.view.config).toEqual({ cluster: undefined, services: new Map(), hosts: new Map() });
});

test('the last good one counts while it can not be read, and what is wrong is told with its place', () => {
  put(clusterConfig, 'A: 1');
  put(clusterConfig, 'A: 2\nB: []\nC: []');
  expect(reader.view.config.cluster).toEqual({ values: new Map([['A', '1']]), modRevision: 3 });
  expect(seen()).toEqual([`wrong-type ${clusterConfig} 2:4`]);
  expect(reader.view.problems[0]!.message).toMatch(
    /^config\/cluster, line 2:4: this is a list; B is nested; .* \(and 1 more problems\)$/,
  );
  put(clusterConfig, 'A: 3');
  expect(seen()).toEqual([]);
});

test('one that never could be read has no values', () => {
  put(keys.hostConfig('h1'), '[');
  expect(reader.view.config.hosts.get('h1')).toEqual({ values: undefined, modRevision: 2 });
  put(keys.hostConfig('h1'), undefined);
  expect(seen()).toEqual([]);
});

test.each(['x', 'service/web', 'services/', 'services/web/x', 'hosts/H_1', 'cluster/x', ''])(
  'config/%s is no layer, and said to be none',
  (path) => {
    put(`${keys.config}${path}`, 'A: 1');
    expect(seen()).toEqual([`bad-name ${keys.config}${path} 0:0`]);
    put(`${keys.config}${path}`, undefined);
    expect(seen()).toEqual([]);
  },
);

test("a host's layer is a small one", () => {
  put(keys.hostConfig('h1'), `A: ${'x'.repeat(4096)}`);
  put(keys.serviceConfig('web'), `A: ${'x'.repeat(4096)}`);
  expect(seen()).toEqual([`too-large ${keys.hostConfig('h1')} 1:1`]);
});
