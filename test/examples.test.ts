/** What is shown to operators is accepted, and does what is said of it: examples/, and docs/operations.md of config. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readComposeFile } from '../cli/compose-file/compose-file';
import { compileService } from '../coordinator/compose/compile';
import { ConfigReader } from '../coordinator/config-reader';
import { serviceConfig } from '../coordinator/discovery/traefik/service-config';
import { hostConfig, resolveConfig } from '../coordinator/releases/resolve-config';
import { emptyDocument } from '../lib/documents/codec';
import type { ContainerSpec } from '../lib/documents/types';
import { effectiveConfig } from '../lib/release/config';
import { fillContainer } from '../lib/release/fill-container';
import { SAMPLES } from '../coordinator/compose/templates';

const EXAMPLES = readdirSync('examples').filter((name) => readdirSync(join('examples', name)).includes('compose.yaml'));

function compiledOf(service: string, text: string) {
  const compiled = compileService(service, text);
  if (!compiled.ok) throw new Error(`${service}: ${JSON.stringify(compiled.problems)}`);
  return compiled;
}

function servicesOf(example: string): readonly { readonly name: string; readonly document: string }[] {
  const text = readFileSync(join('examples', example, 'compose.yaml'), 'utf8');
  const files = { read: () => undefined, absolute: (path: string) => path };
  return readComposeFile({ name: 'compose.yaml', text, variables: new Map(), folderName: example, files }).services;
}

/** Text by its key under /berth/config/. */
function layersFrom(texts: ReadonlyMap<string, string>): ConfigReader {
  const reader = new ConfigReader();
  for (const [key, value] of texts)
    expect(reader.read(key, { key, value, createRevision: 1, modRevision: 1 })).toBeUndefined();
  return reader;
}

function madeOn(service: string, document: string, host: string, { layers }: ConfigReader): ContainerSpec {
  const compiled = compiledOf(service, document);
  const { values, problems } = resolveConfig(compiled, layers, service);
  expect(problems).toEqual([]);
  const config = effectiveConfig(values, hostConfig(compiled.container, layers, host));
  const filled = fillContainer(compiled.container, SAMPLES, config);
  if ('problem' in filled) throw new Error(filled.problem);
  return filled;
}

test.each(EXAMPLES)('examples/%s: every service is accepted', (example) => {
  const services = servicesOf(example);
  expect(services.length).toBeGreaterThan(0);
  for (const { name, document } of services) compiledOf(name, document);
});

test('examples/discovery: Prometheus and Traefik find it', () => {
  const { name, document } = servicesOf('discovery')[0]!;
  const { container, deploy } = compiledOf(name, document);
  expect(deploy.metrics).toEqual({ port: 9100, path: '/metrics', scheme: 'http' });
  const release = { ...emptyDocument('Release'), service: name, number: 1, container, deploy };
  const config = serviceConfig(release, [])!;
  expect(config.problems).toEqual([]);
  expect(Object.keys(config.sections.http.routers)).toEqual(['web']);
});

test('examples/rollouts: the layers beside it have what it takes, and a host its own', () => {
  const folder = 'examples/rollouts/config';
  const texts = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
  const layers = layersFrom(
    new Map(texts.map((text) => [/^# etcdctl put \/berth\/config\/(\S+) </.exec(text)![1]!, text])),
  );
  const { document } = servicesOf('rollouts').find(({ name }) => name === 'web')!;
  const [h1, h2] = ['h1', 'h2'].map((host) => madeOn('web', document, host, layers));
  expect(h1).toMatchObject({ labels: { region: 'north' }, environment: { LOG_LEVEL: 'warn' } });
  expect(h2).toMatchObject({ labels: { region: 'south' }, environment: { DATABASE: 'db.example.com:5432' } });
  expect(h2!.command.at(-1)).toBe('/www');
});

test('docs/operations.md of config: its layers and services are accepted, and have what its table says', () => {
  const page = readFileSync('docs/operations.md', 'utf8');
  const section = page.slice(page.indexOf('## Configuration shared by services')).split('\n## ')[0]!;
  const blocks = [...section.matchAll(/^```yaml\n# (\S+)\n(.*?)^```/gms)].map(
    ([, key, text]) => [key!, text!] as const,
  );
  const layers = blocks.filter(([key]) => key.startsWith('/berth/config/'));
  const reader = layersFrom(new Map(layers.map(([key, text]) => [key.replace('/berth/config/', ''), text])));
  const services = new Map(blocks.filter(([key]) => !key.startsWith('/')));
  const rows = [...section.matchAll(/^\| (\w+) \| (h\d) \| (.*) \|$/gm)];
  expect([layers.length, services.size, rows.length]).toEqual([3, 2, 3]);
  for (const [, service, host, has] of rows) {
    const { environment } = madeOn(service!, services.get(service!)!, host!, reader);
    const written = Object.entries(environment).map(([name, value]) => `\`${name}=${value}\``);
    expect(written.sort().join(' ')).toBe(has);
  }
  expect(madeOn('web', services.get('web')!, 'h1', reader).command).toEqual(['web', '--max-upload', '20M']);
});
