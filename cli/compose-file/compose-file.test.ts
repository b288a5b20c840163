import { parse } from 'yaml';
import { readComposeFile, type ComposeFile, type ComposeInput } from './compose-file';

const FILES: Readonly<Record<string, string>> = {
  'app.env': 'A=1.10\nB="two\nlines"\n',
  'more.env': 'B=$A-$HOME\nC\n',
  'raw.env': 'A="$HOME"\n',
  'bad.env': 'A=1\nnonsense here\n',
};

function read(text: string, more: Partial<ComposeInput> = {}): ComposeFile {
  return readComposeFile({
    name: 'compose.yaml',
    text,
    variables: new Map([
      ['HOME', '/root'],
      ['TAG', '1.4.2'],
      ['C', 'from the shell'],
    ]),
    folderName: 'My Shop!',
    files: { read: (path) => FILES[path], absolute: (path) => `/srv/${path.replace(/^\.\/?/, '')}` },
    ...more,
  });
}

/** The service that a file's only service becomes, without its project. */
function service(lines: string, before = ''): Record<string, unknown> {
  const file = read(`${before}\nservices:\n  web:\n${lines.replace(/^/gm, '    ')}\n`);
  expect(file.services.map(({ name }) => name)).toEqual(['web']);
  const { 'x-berth': berth, ...plain } = parse(file.services[0]!.document);
  expect(berth).toEqual({ project: 'myshop' });
  return plain;
}

test.each<[string, string, Record<string, unknown>, string?]>([
  ['a service as it is', 'image: a\ncommand: [b, "c d"]', { image: 'a', command: ['b', 'c d'] }],
  [
    'variables in values, never in keys',
    'image: a:$TAG\nlabels: { $TAG: "${X:-d}" }',
    { image: 'a:1.4.2', labels: { $TAG: 'd' } },
  ],
  ['a variable makes no structure', 'image: "${X:-a\\n    user: root}"', { image: 'a\n    user: root' }],
  ['doubled dollar signs', 'command: echo $$HOME', { command: 'echo $HOME' }],
  [
    'numbers as they are written',
    'labels: { a: 1.10, b: 007, c: 1e3, d: 0x1F, e: 12345678901234567890, f: 3, 1.0: g, 1.10: h }',
    { labels: { a: '1.10', b: '007', c: '1e3', d: '0x1F', e: '12345678901234567890', f: 3, '1.0': 'g', '1.10': 'h' } },
  ],
  [
    'words that YAML 1.1 made booleans',
    'labels: { a: yes, b: off, c: true, d: ~ }',
    { labels: { a: 'yes', b: 'off', c: true, d: null } },
  ],
  [
    'anchors, aliases and merge keys',
    '<<: [*one, *two]\nimage: own\nlabels: *labels',
    { image: 'own', user: '1', init: true, labels: { t: '1.4.2' } },
    'x-one: &one { image: one, user: "1" }\nx-two: &two { user: "2", init: true }\nx-labels: &labels { t: $TAG }',
  ],
  ['a quoted << is a key', 'labels: { "<<": a }', { labels: { '<<': 'a' } }],
  [
    'names that objects have',
    'labels: { __proto__: a, constructor: b }',
    {
      labels: Object.fromEntries([
        ['__proto__', 'a'],
        ['constructor', 'b'],
      ]),
    },
  ],
  ['an env_file', 'env_file: app.env', { environment: { A: '1.10', B: 'two\nlines' } }],
  [
    'several, the later wins and knows the earlier',
    'env_file: [app.env, more.env]',
    { environment: { A: '1.10', B: '1.10-/root', C: 'from the shell' } },
  ],
  [
    'environment wins over env_file',
    'env_file: [app.env]\nenvironment: [B=own]',
    { environment: { A: '1.10', B: 'own' } },
  ],
  [
    'an env_file that need not be there',
    'env_file: [{ path: no.env, required: false }, { path: app.env }]',
    { environment: { A: '1.10', B: 'two\nlines' } },
  ],
  ['an env_file as it stands', 'env_file: { path: raw.env, format: raw }', { environment: { A: '"$HOME"' } }],
  ['names without a value', 'environment: { HOME: , NO: , E: "" }', { environment: { HOME: '/root', E: '' } }],
  ['the same in a list', 'environment: [HOME, NO, "E=", "D=a=b"]', { environment: { HOME: '/root', E: '', D: 'a=b' } }],
  ['only names without a value', 'environment: { NO: }', { environment: {} }],
  ['the same in a list, only', 'environment: [NO]', { environment: {} }],
  ['names that no shell has', 'environment: [constructor, A=1]', { environment: { A: '1' } }],
  [
    'relative folders',
    'volumes: [./a:/a:ro, .:/b, "~/c:/c", /d:/d, /e]',
    { volumes: ['/srv/a:/a:ro', '/srv/:/b', '/srv/~/c:/c', '/d:/d', '/e'] },
  ],
  [
    'relative folders, long',
    'volumes: [{ type: bind, source: a, target: /a }]',
    { volumes: [{ type: 'bind', source: '/srv/a', target: '/a' }] },
  ],
  [
    'volumes by what Docker calls them',
    'volumes: [data:/a, cache:/b, { type: volume, source: data, target: /c }, { type: volume, target: /d }]',
    {
      volumes: [
        'shared_data:/a',
        'myshop_cache:/b',
        { type: 'volume', source: 'shared_data', target: '/c' },
        { type: 'volume', target: '/d' },
      ],
    },
    'volumes: { data: { name: shared_data }, cache: }',
  ],
  [
    'nothing of types that it does not expect',
    'environment: 5\nvolumes: x\nports: [1, {}]',
    { environment: 5, volumes: 'x', ports: [1, {}] },
  ],
])('%s', (_, lines, wanted, before = '') => {
  expect(service(lines, before)).toEqual(wanted);
});

/** All that a file's only service becomes, its project aside. */
function withBerth(lines: string, after: string): Record<string, unknown> {
  const { services } = read(`services:\n  web:\n    image: a\n${lines.replace(/^/gm, '    ')}\n${after}\n`);
  const { 'x-berth': berth, ...rest } = parse(services[0]!.document);
  delete rest.image;
  delete berth.project;
  return { ...rest, berth };
}

test.each<[string, string, string, Record<string, unknown>]>([
  [
    'networks by what Docker calls them',
    'networks: [front, back, default]',
    'networks: { front: { external: true }, back: { external: true, name: shop-back } }',
    { networks: ['front', 'shop-back', 'default'] },
  ],
  [
    'networks with settings',
    'networks: { back: { aliases: [db] }, default: }',
    'networks: { back: { external: "true", name: shop-back } }',
    { networks: { 'shop-back': { aliases: ['db'] }, default: null } },
  ],
  [
    'a default network of the operator’s',
    'init: true',
    'networks: { default: { external: true, name: shop } }',
    { init: true, networks: ['shop'] },
  ],
  [
    'which is not for those that have a mode',
    'network_mode: host',
    'networks: { default: { external: true, name: shop } }',
    { network_mode: 'host' },
  ],
  [
    'how volumes are made, of those that the service uses',
    'volumes: [data:/a, { type: volume, source: theirs, target: /b }, plain:/c]',
    `volumes:
  data: { driver: local, driver_opts: { type: nfs, device: ":/x" }, labels: [a=b] }
  theirs: { external: true }
  plain: { driver: local, driver_opts: {} }
  other: { driver: nfs }`,
    {
      volumes: ['myshop_data:/a', { type: 'volume', source: 'theirs', target: '/b' }, 'myshop_plain:/c'],
      berth: {
        volumes: {
          myshop_data: { driver: 'local', driver_opts: { type: 'nfs', device: ':/x' }, labels: ['a=b'] },
          theirs: { external: true },
        },
      },
    },
  ],
  [
    'what a service says itself of a volume wins',
    'volumes: [data:/a, own:/d]\nx-berth: { drain: 5s, volumes: { myshop_own: { driver: mine } } }',
    'volumes: { data: { external: true, name: of-them }, own: { driver: nfs } }',
    {
      volumes: ['of-them:/a', 'myshop_own:/d'],
      berth: { drain: '5s', volumes: { 'of-them': { external: true }, myshop_own: { driver: 'mine' } } },
    },
  ],
])('%s', (_, lines, after, wanted) => {
  expect(withBerth(lines, after)).toEqual({ berth: {}, ...wanted });
});

test('what a coordinator finds of networks and volumes is shown where the file has them', () => {
  const { show } = read(`services:
  web:
    image: a
    networks: { back: { ipv4_address: x } }
    volumes: [data:/a]
networks: { back: { external: true, name: shop.back } }
volumes:
  data: { driver: "a b" }
`);
  const place = (path: string, isKey = false): string => show('web', path, isKey, 'what').split('\n')[0]!;
  expect(place('networks.shop.back.ipv4_address')).toBe('compose.yaml:4:39: what');
  expect(place('x-berth.volumes.myshop_data.driver')).toBe('compose.yaml:8:19: what');
  expect(place('x-berth.volumes.myshop_data.driver', true)).toBe('compose.yaml:8:11: what');
  expect(place('x-berth.volumes.other')).toBe('compose.yaml:3:5: what');
});

test.each<[string, Partial<ComposeInput>, string, string]>([
  ['what was asked for', { project: 'asked' }, 'name: named', 'asked'],
  ['the file’s name', {}, 'name: named', 'named'],
  ['a name that looks like a number', {}, 'name: 2024', '2024'],
  ['a name with a variable', {}, 'name: shop-${X:-x}', 'shop-x'],
  ['the folder’s', {}, '', 'myshop'],
  ['default, of a folder without a letter', { folderName: '___' }, '', 'default'],
])('the project is %s', (_, more, line, project) => {
  const file = read(`${line}\nservices: { web: { image: a } }`, more);
  expect(file.project).toBe(project);
  expect(parse(file.services[0]!.document)).toEqual({ image: 'a', 'x-berth': { project } });
});

test('what "docker compose config" prints is taken', () => {
  const printed = `name: shop
services:
  web:
    command: null
    deploy:
      replicas: 2
      resources:
        limits: { cpus: 0.5, memory: "268435456" }
      placement: {}
    entrypoint: null
    environment: { PRICE: 5$$, URL: null }
    image: shop/web:1
    networks: { default: null }
    ports:
      - { mode: ingress, target: 8080, published: "80", protocol: tcp }
    volumes:
      - { type: bind, source: /srv/a, target: /a, bind: { create_host_path: true } }
      - { type: volume, source: data, target: /data, volume: {} }
networks:
  default: { name: shop_default, ipam: {}, external: false }
volumes:
  data: { name: shop_data }
x-note: 1
`;
  const { services, project, warnings } = read(printed, { name: 'standard input' });
  const web = parse(printed).services.web;
  web.environment = { PRICE: '5$' };
  web.volumes[1].source = 'shop_data';
  expect({ project, warnings }).toEqual({ project: 'shop', warnings: [] });
  expect(parse(services[0]!.document)).toEqual({ ...web, 'x-berth': { project: 'shop' } });
});

test('variables that are not set are told once, with the first place', () => {
  const file = read('services:\n  a:\n    image: $X$Y\n    user: $X\n    environment: { NO: }\n');
  expect(file.warnings).toEqual([
    'compose.yaml:3: the variable X is not set; it counts as empty',
    'compose.yaml:3: the variable Y is not set; it counts as empty',
  ]);
});

test('what a coordinator finds is shown where its author wrote it', () => {
  const text = `x-ports: &ports ["99999:80"]
x-base: &base { labels: { com.example.a: 1, com: { example: 2 } } }
services:
  web:
    <<: *base
    image: a
    env_file: app.env
    environment:
      - OWN={{x}}
    ports: *ports
`;
  const { show } = read(text);
  const place = (path: string): string => show('web', path, false, 'what').split('\n')[0]!;
  expect(place('ports[0]')).toBe('compose.yaml:1:18: what');
  expect(place('ports[0].published')).toBe('compose.yaml:1:18: what');
  expect(place('labels.com.example.a')).toBe('compose.yaml:2:42: what');
  expect(place('labels.com.example')).toBe('compose.yaml:2:61: what');
  expect(place('environment.OWN')).toBe('compose.yaml:9:9: what');
  expect(show('web', 'environment.B', false, 'what')).toBe('app.env:2:1: what\n  2 | B="two\n    | ^');
  expect(place('image')).toBe('compose.yaml:6:12: what');
  expect(place('x-berth.project')).toBe('compose.yaml:5:5: what');
  expect(place('')).toBe('compose.yaml:4:3: what');
  expect(show('web', 'labels.com', true, 'what')).toContain('compose.yaml:2:45: what');
  expect(show('web', 'ports', true, 'what')).toContain('compose.yaml:10:5: what');
});
