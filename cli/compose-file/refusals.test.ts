import * as fc from 'fast-check';
import { parseText } from '../../coordinator/compose/parse';
import { readComposeFile } from './compose-file';
import { ComposeFileError } from './place';

function read(text: string, project?: string): ReturnType<typeof readComposeFile> {
  return readComposeFile({
    name: 'f',
    text,
    variables: new Map(),
    folderName: 'shop',
    files: { read: (path) => (path === 'bad.env' ? 'A=1\nnonsense here\n' : undefined), absolute: (path) => path },
    ...(project !== undefined && { project }),
  });
}

const OK = 'services: { a: { image: x } }\n';

test.each<[string, string, string]>([
  ['an empty file', '', 'f: it is empty; a map with "services:" is wanted'],
  ['comments alone', '# nothing\n', 'f: it is empty'],
  ['a list', '- a\n', 'f: this is no Compose file'],
  ['text', 'services', 'f: this is no Compose file'],
  ['no services', 'name: a\n', 'f:1:1: there is no service'],
  ['empty services', 'services:\n', 'f:1:10: there is no service'],
  ['services as a list', 'services: [a]\n', 'f:1:11: there is no service'],
  ['no YAML', 'services: [a\n', 'f:2:1: not YAML'],
  ['two documents', `${OK}---\n${OK}`, 'f:2:1: a second document begins here; "docker compose config'],
  [
    'a key twice',
    'services:\n  a: { image: x }\n  a: { image: y }\n',
    'f:3:3: the key "a" is there twice [yaml-syntax]',
  ],
  ['a key twice, a number', 'services: { a: { labels: { 1: a, "1": b } } }', 'the key "1" is there twice'],
  ['a key that is a list', 'services: { a: { [x]: 1 } }', 'f:1:18: a key is text'],
  ['a tag', 'services: { a: { image: !reset x } }', 'f:1:32: the tag !reset means nothing here'],
  ['binary data', 'services: { a: { image: !!binary eA== } }', 'the tag tag:yaml.org,2002:binary means nothing here'],
  ['an alias of nothing', 'services: { a: *b }', 'f:1:16: *b stands for nothing'],
  ['an alias of itself', 'services: &a { b: *a }', 'f:1:19: *a is inside of what it stands for'],
  ['a merge of text', 'x-a: &a text\nservices: { a: { <<: *a } }', 'f:2:22: << merges maps'],
  ['a merge of a number', 'services: { a: { <<: 1 } }', 'f:1:22: << merges maps'],
  ['old YAML', `%YAML 1.1\n---\n${OK}`, 'f:1:1: YAML 1.1 reads "yes"'],
  [
    'a variable that is wanted',
    'services:\n  a: { image: "x:${TAG:?which}" }',
    'f:2:15: the variable TAG is wanted: which [interpolation]',
  ],
  ['a slip in a key', `sevices: {}\n${OK}`, 'f:1:1: no such key "sevices"; did you mean "services"? [unknown-key]'],
  ['an unknown key', `zzz: 1\n${OK}`, 'f:1:1: no such key "zzz"; there are name, networks, services'],
  [
    'include',
    `include: [a.yaml]\n${OK}`,
    'f:1:1: include: not supported: "docker compose config | berth apply -f -" resolves it',
  ],
  ['secrets', `secrets: { a: { file: b } }\n${OK}`, 'f:1:1: secrets: not supported yet; until then: mount a file'],
  ['configs', `configs: 5\n${OK}`, 'f:1:1: configs: not supported yet'],
  ['models', `models: { a: { model: b } }\n${OK}`, 'f:1:1: models: not supported'],
  [
    'a network that is not external',
    `networks: { front: }\n${OK}`,
    'f:1:13: Berth makes no networks; create it on its hosts, "docker network create front", and say external: true',
  ],
  [
    'a setting of a network',
    `networks: { f: { external: true, internal: true } }\n${OK}`,
    'f:1:34: internal: not supported: create the network',
  ],
  ['an unknown setting of a network', `networks: { f: { extrnal: true } }\n${OK}`, 'did you mean "external"?'],
  ['a network that is text', `networks: { f: x }\n${OK}`, 'f:1:16: a map of settings is wanted'],
  [
    'the old form of external',
    `networks: { f: { external: { name: x } } }\n${OK}`,
    'write "external: true", and the name',
  ],
  ['external of a wrong type', `networks: { f: { external: 5 } }\n${OK}`, 'f:1:28: true or false is wanted'],
  [
    'a name that is none',
    `networks: { f: { external: true, name: "a b" } }\n${OK}`,
    'f:1:40: a name of a network is wanted',
  ],
  [
    'a network that is not declared',
    'services: { a: { networks: [front] } }',
    'f:1:29: a: there is no network "front" in this file; write "networks: { front: { external: true } }"',
  ],
  [
    'a setting of the default network',
    `networks: { default: { driver: macvlan } }\n${OK}`,
    'f:1:24: driver: not supported: create the network on its hosts',
  ],
  [
    'a driver of an external volume',
    `volumes: { d: { external: true, driver: nfs } }\n${OK}`,
    'f:1:33: an external volume is as somebody else made it',
  ],
  ['the old form of an external volume', `volumes: { d: { external: { name: x } } }\n${OK}`, 'write "external: true"'],
  ['an unknown setting of a volume', `volumes: { d: { drivr: x } }\n${OK}`, 'did you mean "driver"?'],
  ['volumes as a list', `volumes: [d]\n${OK}`, 'f:1:10: a map of volumes is wanted'],
  ['a project with capitals', `name: Shop\n${OK}`, 'f:1:7: "Shop" is no name of a project'],
  ['a project that is a list', `name: [a]\n${OK}`, 'f:1:7: ["a"] is no name of a project'],
  ['an empty project', `name: ""\n${OK}`, 'f:1:7: "" is no name of a project'],
  ['extends', 'services: { a: { extends: b } }', 'f:1:27: a: extends is not supported here; "docker compose config'],
  [
    'a volume that is not declared',
    'services: { a: { volumes: ["d:/d"] } }',
    'f:1:28: a: there is no volume "d" in this file; write',
  ],
  [
    'an env_file that is not there',
    'services:\n  a:\n    env_file: [no.env]',
    'f:3:16: a: env_file: there is no file no.env [env-file]',
  ],
  [
    'an env_file with an unknown key',
    'services: { a: { env_file: [{ path: a, requird: false }] } }',
    'no such key "requird"; there are path, required, format',
  ],
  ['an env_file of another type', 'services: { a: { env_file: 5 } }', 'a: env_file: a path is wanted [wrong-type]'],
  [
    'a line in an env_file',
    'services: { a: { env_file: bad.env } }',
    'bad.env:2:1: no NAME=value [env-file]\n  2 | nonsense here\n    | ^',
  ],
])('%s is refused', (_, text, message) => {
  expect(() => read(text)).toThrow(ComposeFileError);
  expect(() => read(text)).toThrow(message);
});

test('everything that is wrong is told at once', () => {
  const text = 'secrets: { s: {} }\ninclude: [a]\nnetworks: { n: }\nservices:\n';
  expect(() => read(text)).toThrow(/f:1:1[^]*f:2:1[^]*f:3:13[^]*f:4:10/);
});

test('a line is shown without what a terminal obeys, and cut', () => {
  const text = `x-a: "\u001b[31m"\nx-b: {${' '.repeat(5000)}a: $}\nx-c:\t$`;
  expect(() => read(text)).toThrow(ComposeFileError);
  let message = '';
  try {
    read(text);
  } catch (error) {
    message = (error as Error).message;
  }
  expect(message).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  expect(Math.max(...message.split('\n').map((line) => line.length))).toBeLessThan(300);
});

const bomb = (): string => {
  const levels = Array.from({ length: 12 }, (_, level) =>
    level === 0 ? 'x-0: &a0 [xxxxxxxxxx]' : `x-${level}: &a${level} [${`*a${level - 1},`.repeat(9)}]`,
  );
  return `${levels.join('\n')}\n${OK}`;
};
const chain = (): string =>
  `${Array.from({ length: 500 }, (_, at) => `x-${at}: &a${at} [${at > 0 ? `*a${at - 1}` : ''}]`).join('\n')}\n${OK}`;

test.each<[string, () => string, RegExp | undefined]>([
  ['aliases of aliases', bomb, /too large for any cluster/],
  ['aliases in a chain', chain, /nested too deeply/],
  ['open lists', () => `services: ${'['.repeat(100_000)}`, /nested too deeply/],
  ['lists in lists', () => `${OK}x-a: ${'['.repeat(90)}${']'.repeat(90)}`, /nested too deeply/],
  ['questions', () => '? '.repeat(20_000), /nested too deeply/],
  [
    'defaults in defaults',
    () => `services: { a: { image: "${'${A:-'.repeat(9999)}${'}'.repeat(9999)}" } }`,
    /more than 32 deep/,
  ],
  [
    '20,000 aliases',
    () => `${OK}x-a:\n${Array.from({ length: 20_000 }, (_, at) => `- &a${at} x\n- *a${at}\n`).join('')}`,
    undefined,
  ],
  ['20,000 keys', () => `${OK}x-a:\n${Array.from({ length: 20_000 }, (_, at) => `  k${at}: v\n`).join('')}`, undefined],
  [
    '200,000 troubles of a service',
    () => `services: { a: { volumes: [${'a:b,'.repeat(200_000)}] } }`,
    /… and 199980 more\./,
  ],
  ['20,000 troubles', () => `${OK}x-a:\n${'- $\n'.repeat(20_000)}`, /… and 19980 more\./],
])('%s take no time', (_, text, message) => {
  const startedMs = performance.now();
  if (message === undefined) read(text());
  else expect(() => read(text())).toThrow(message);
  expect(performance.now() - startedMs).toBeLessThan(15_000);
});

test('any text is read or refused', () => {
  const part = fc.constantFrom(
    ...['services:', '\n', '  ', ' a: ', 'image: x', '- ', '&a', ' *a', '<<: ', '{', '}', '[', ']', ', ', '"', "'"],
    ...[
      '$',
      '${A}',
      '!x ',
      '---\n',
      '? ',
      ': ',
      '|',
      '>',
      '#',
      '\t',
      'env_file: bad.env',
      'volumes: ',
      'environment: ',
    ],
    ...['name: ', '1.10', '~', 'networks: ', 'services: {a: {'],
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(part, { maxLength: 40 }).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (any) => {
      for (const one of [any, `services: { a: ${any}`, `services:\n  a:\n    labels:\n      ${any}`])
        try {
          read(one);
        } catch (error) {
          if (!(error instanceof ComposeFileError)) throw error;
        }
    }),
    { numRuns: 1000 },
  );
});

test('a coordinator reads of a document what the file says', () => {
  const name = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('<<', 'yes', '1', '1.10', 'null', '', '~', '#', '*a'),
  );
  const leaf = fc.oneof(name, fc.integer(), fc.boolean(), fc.constant(null));
  const value = fc.letrec((tie) => ({
    any: fc.oneof({ maxDepth: 3 }, leaf, fc.array(tie('any')), fc.dictionary(name, tie('any'))),
  })).any;
  fc.assert(
    fc.property(value, (any) => {
      const text = JSON.stringify({ services: { a: { labels: any } } }).replaceAll('$', '$$$$');
      // JSON has no doubled dollar signs in keys, which are left as they are.
      fc.pre(!/\$[^"]*":/.test(text));
      const { document } = read(text).services[0]!;
      expect(parseText(document).value).toEqual({ labels: any, 'x-berth': { project: 'shop' } });
    }),
    { numRuns: 300 },
  );
});
