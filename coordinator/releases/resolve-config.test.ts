import * as fc from 'fast-check';
import { emptyDocument } from '../../lib/documents/codec';
import type { Release } from '../../lib/documents/types';
import { compileService } from '../compose/compile';
import type { ConfigLayer, ConfigLayers } from '../view';
import { hostConfig, isAsHostSays, resolveConfig, type Taker } from './resolve-config';

type Values = Readonly<Record<string, string>>;
/** undefined: there is none; null: it can't be read. */
type Layer = Values | undefined | null;

const layer = (values: Layer): ConfigLayer | undefined =>
  values === undefined
    ? undefined
    : { values: values === null ? undefined : new Map(Object.entries(values)), modRevision: 1 };

function layersOf(cluster: Layer, web: Layer, h1: Layer): ConfigLayers {
  const [own, host] = [layer(web), layer(h1)];
  return {
    cluster: layer(cluster),
    services: new Map(own && [['web', own]]),
    hosts: new Map(host && [['h1', host]]),
  };
}

function taker(lines: string): Taker {
  const compiled = compileService('web', `image: a\n${lines}`);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  return compiled;
}

const NAMED = taker('environment: { URL: "{{.Config.URL}}", LEVEL: "{{.Config.LEVEL}}" }');
const ALL = taker('environment: { URL: "{{.Config.URL}}" }\nx-berth: { config: all }');
const JOB = taker('x-berth: { before: { command: [migrate, "{{.Config.URL}}"] } }');
const NONE = taker('environment: { URL: x }');

test.each<[string, Taker, Layer, Layer, Values]>([
  ['the service has the last word', NAMED, { URL: 'c', LEVEL: 'c' }, { URL: 's' }, { LEVEL: 'c', URL: 's' }],
  [
    'keys that it does not take are left out',
    NAMED,
    { URL: 'c', LEVEL: 'c', X: 'c' },
    undefined,
    { LEVEL: 'c', URL: 'c' },
  ],
  ['all', ALL, { URL: 'c', X: 'c' }, { Y: 's' }, { URL: 'c', X: 'c', Y: 's' }],
  ['what the job takes', JOB, { URL: 'c', X: 'c' }, undefined, { URL: 'c' }],
  ['a service that takes none cares for no layer', NONE, { URL: 'c' }, null, {}],
  ['an empty value is a value', NAMED, { URL: '', LEVEL: '' }, undefined, { LEVEL: '', URL: '' }],
])('%s', (_, one, cluster, web, values) => {
  expect(resolveConfig(one, layersOf(cluster, web, { URL: 'h' }), 'web')).toEqual({ values, problems: [] });
});

test.each<[string, Taker, Layer, Layer, Layer, readonly string[], RegExp]>([
  [
    'a key that nobody has',
    NAMED,
    { LEVEL: 'c' },
    undefined,
    undefined,
    ['missing-config environment.URL 2:21'],
    /^\{\{\.Config\.URL\}\} has no value; write URL to config\/cluster or config\/services\/web$/,
  ],
  [
    'a key that a host alone has',
    JOB,
    {},
    {},
    { URL: 'h' },
    ['missing-config x-berth.before.command[1] 2:41'],
    /config\/hosts\/h1 alone is not enough/,
  ],
  [
    'several, each with its place',
    NAMED,
    undefined,
    undefined,
    undefined,
    ['missing-config environment.LEVEL 2:47', 'missing-config environment.URL 2:21'],
    /write LEVEL/,
  ],
  [
    'a layer that can not be read',
    ALL,
    null,
    { URL: 's' },
    undefined,
    ['unreadable-config  0:0'],
    /config\/cluster can not be read/,
  ],
  [
    'its own layer can not be read',
    NAMED,
    {},
    null,
    undefined,
    ['unreadable-config  0:0'],
    /config\/services\/web can not be read/,
  ],
])('no release with %s', (_, one, cluster, web, h1, places, message) => {
  const { problems } = resolveConfig(one, layersOf(cluster, web, h1), 'web');
  expect(problems.map(({ rule, path, line, column }) => `${rule} ${path} ${line}:${column}`)).toEqual(places);
  expect(problems[0]!.message).toMatch(message);
});

test.each<[string, Taker, Layer, Values]>([
  ['of the keys that it takes', NAMED, { URL: 'h', X: 'h' }, { URL: 'h' }],
  ['all', ALL, { URL: 'h', X: 'h' }, { URL: 'h', X: 'h' }],
  ['nothing of those of the job: no instance has them', JOB, { URL: 'h' }, {}],
  ['nothing where there is no layer', ALL, undefined, {}],
  ['what it had, where the layer can not be read', ALL, null, { OLD: 'x' }],
])("a host's layer: %s", (_, { container }, h1, values) => {
  expect(hostConfig(container, layersOf({}, {}, h1), 'h1', { OLD: 'x' })).toEqual(values);
});

const release = ({ container, deploy }: Taker, config: Values): Release => ({
  ...{ ...emptyDocument('Release'), container, deploy, config },
});

test.each<[string, Values, Layer, boolean]>([
  ['as before', { URL: 'h' }, { URL: 'h' }, true],
  ['another value', { URL: 'h' }, { URL: 'i' }, false],
  ['a new value', {}, { URL: 'h' }, false],
  ['a new value that is the same', {}, { URL: 'c' }, true],
  ['a value that is gone', { URL: 'h' }, undefined, false],
  ['a key that it does not take', {}, { X: 'h' }, true],
  ['a layer that can not be read', { URL: 'h' }, null, true],
])("an instance whose host's layer has %s", (_, config, h1, is) => {
  const web = release(NAMED, { LEVEL: 'c', URL: 'c' });
  expect(isAsHostSays(web, { host: 'h1', config }, layersOf({}, {}, h1))).toBe(is);
});

test('only a change of what a service takes changes its values', () => {
  const key = fc.constantFrom('URL', 'LEVEL', 'X', 'Y');
  const values = fc.dictionary(key, fc.constantFrom('', 'a', 'b'));
  fc.assert(
    fc.property(values, values, fc.constantFrom('X', 'Y', 'Z'), fc.boolean(), (cluster, web, other, isCluster) => {
      const before = resolveConfig(NAMED, layersOf(cluster, web, undefined), 'web');
      const edited = isCluster
        ? layersOf({ ...cluster, [other]: 'new' }, web, undefined)
        : layersOf(cluster, { ...web, [other]: 'new' }, undefined);
      expect(resolveConfig(NAMED, edited, 'web')).toEqual(before);
      for (const [name, value] of Object.entries(before.values)) expect(value).toBe(web[name] ?? cluster[name]);
    }),
  );
});
