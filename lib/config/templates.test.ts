import { loadAgentConfig } from './daemons';
import { ConfigError } from './settings';
import { MAX_TEMPLATES } from './templates';

const load = (text: string, env: Readonly<Record<string, string>> = {}): ReturnType<typeof loadAgentConfig> =>
  loadAgentConfig({ flags: {}, env, file: { name: 'agent.yaml', text } });

function problemsOf(text: string, env?: Readonly<Record<string, string>>): readonly string[] {
  try {
    load(text, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('a template has what the file says, and the defaults', () => {
  const text = `
templates:
  - src: /etc/berth/haproxy.cfg.liquid
    dest: /etc/haproxy/haproxy.cfg
    check: haproxy -c -f "$FILE"
    reload: systemctl reload haproxy
    mode: 0640
    owner: haproxy:haproxy
    interval: 500ms
  - { src: /a, dest: /b }`;
  expect(load(text).templates).toEqual([
    {
      src: '/etc/berth/haproxy.cfg.liquid',
      dest: '/etc/haproxy/haproxy.cfg',
      check: 'haproxy -c -f "$FILE"',
      reload: 'systemctl reload haproxy',
      mode: 0o640,
      owner: 'haproxy:haproxy',
      interval: 500,
    },
    { src: '/a', dest: '/b', interval: 1000 },
  ]);
});

test.each([['name: h1'], ['templates:'], ['templates: []']])('%s: no templates', (text) => {
  expect(load(text).templates).toEqual([]);
});

test.each<[string, string, readonly string[]]>([
  ['a text', 'templates: /a', [': wants a list of maps, each with src and dest']],
  ['a map', 'templates: { src: /a, dest: /b }', [': wants a list of maps, each with src and dest']],
  ['a list of texts', 'templates: [/a]', ['[0]: wants a map with src and dest']],
  ['nothing in it', 'templates: [{}]', ['[0]: has no src', '[0]: has no dest']],
  ['a slip', 'templates: [{ src: /a, dest: /b, chek: true }]', ['[0]: has no "chek"; did you mean "check"?']],
  [
    'a key that is not there',
    'templates: [{ src: /a, dest: /b, service: web }]',
    ['[0]: has no "service"; there are src, dest, check, reload, mode, owner, interval'],
  ],
  ['no text', 'templates: [{ src: /a, dest: /b, check: [x] }]', ['[0].check: wants a text']],
  ['an empty text', 'templates: [{ src: /a, dest: "" }]', ['[0].dest: wants a text']],
  [
    'relative paths',
    'templates: [{ src: a, dest: /b/ }, { src: /x/../a, dest: //c }]',
    [
      '[0].src: "a" is not an absolute path of a file',
      '[0].dest: "/b/" is not an absolute path of a file',
      '[1].src: "/x/../a" is not an absolute path of a file',
      '[1].dest: "//c" is not an absolute path of a file',
    ],
  ],
  [
    'one dest for two',
    'templates: [{ src: /a, dest: /b }, { src: /c, dest: /b }]',
    ['[1].dest: "/b" is that of templates[0] too'],
  ],
  [
    'a template of a template',
    'templates: [{ src: /a, dest: /b }, { src: /b, dest: /c }]',
    ['[0].dest: "/b" is the src of templates[1]'],
  ],
  [
    'modes, owners and intervals that are none',
    'templates: [{ src: /a, dest: /b, mode: 0888, owner: "a b", interval: 1 }]',
    [
      '[0].mode: "0888" is not a mode; write three octal digits: 0640',
      '[0].owner: "a b" is not an owner; write user or user:group',
      '[0].interval: "1" is not a duration from 100ms to 1h; write 1500ms, 5s, 1h30m or 2d',
    ],
  ],
])('%s is refused', (_, text, problems) => {
  expect(problemsOf(text)).toEqual(problems.map((problem) => `agent.yaml: templates${problem}`));
});

test('all problems are listed at once, those of other settings too', () => {
  expect(problemsOf('lease-ttl: 1s\ntemplates: [{ src: a }, { dest: b }]')).toHaveLength(5);
});

test('more templates than the limit are refused', () => {
  const many = Array.from({ length: MAX_TEMPLATES + 1 }, (_, index) => `{ src: /a, dest: /b${index} }`);
  expect(problemsOf(`templates: [${many.slice(1).join(', ')}]`)).toEqual([]);
  expect(problemsOf(`templates: [${many.join(', ')}]`)).toEqual([
    `agent.yaml: templates: has ${MAX_TEMPLATES + 1} entries; ${MAX_TEMPLATES} is the most`,
  ]);
});

test('no variable can have them', () => {
  expect(problemsOf('name: h1', { BERTH_TEMPLATES: '/a:/b' })).toEqual([
    'BERTH_TEMPLATES: only the file can have templates',
  ]);
});
