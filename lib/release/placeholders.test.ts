import * as fc from 'fast-check';
import { configKeysIn, fillPlaceholders, PLACEHOLDERS, type PlaceholderValues } from './placeholders';

const VALUES: PlaceholderValues = {
  ...{ 'Service.Name': 'web', 'Service.ID': 'web-id', 'Task.ID': 'web-1-x', 'Task.Name': 'berth-web-1-x' },
  ...{ 'Task.Slot': '1', 'Node.Hostname': 'h1', 'Node.ID': 'n1', labels: { team: 'shop', 'a.b': '{{.Task.ID}}' } },
  config: (key) => ({ URL: 'db:1', empty: '', braces: '{{.Task.ID}}' })[key],
};

test.each([
  ['nothing', 'nothing'],
  ['{{.Service.Name}}-{{.Task.Slot}}', 'web-1'],
  ['{{ .Node.Hostname }}', 'h1'],
  ['{{.Service.Labels.team}}', 'shop'],
  ['{{.Config.URL}}/{{ .Config.empty }}', 'db:1/'],
  ['{{.Config.braces}}', '{{.Task.ID}}'],
  ['{{index .Service.Labels "a.b"}}', '{{.Task.ID}}'],
  ['{{"{{"}}x}} {{ "{{" }}', '{{x}} {{'],
  ['}} { { {.Task.ID}', '}} { { {.Task.ID}'],
  ['{{{.Task.ID}}{', '{web-1-x{'],
])('%s → %s', (text, filled) => {
  expect(fillPlaceholders(text, VALUES)).toBe(filled);
});

test.each([
  ['{{.Task.Sloth}}', /^\{\{\.Task\.Sloth\}\}: no such placeholder; there are \{\{\.Service\.Name\}\}/],
  ['{{Task.Slot}}', /no such placeholder/],
  ['{{}}', /no such placeholder/],
  ['a {{.Task.ID', /is not closed/],
  ['{{ {{.Task.ID}} }}', /is not closed/],
  ['{{.Service.Labels.nope}}', /the service has no label "nope"/],
  ['{{.Service.Labels.constructor}}', /the service has no label "constructor"/],
  ['{{.Config.nope}}', /\{\{\.Config\.nope\}\}: no config layer has nope/],
  ['{{.Config.1x}}', /"1x" can not be a key of config; a key is 1 to 128 of/],
  ['{{.Config.}}', /"" can not be a key/],
  [`{{.Config.${'x'.repeat(129)}}}`, /can not be a key/],
  ['{{if .Task.Slot}}x{{end}}', /no such placeholder/],
])('%s can not be filled in', (text, problem) => {
  expect(fillPlaceholders(text, VALUES)).toEqual({ problem: expect.stringMatching(problem) as string });
});

test('a label can hold no other label', () => {
  const inLabels = { ...VALUES, labels: undefined };
  expect(fillPlaceholders('{{.Service.Labels.team}}', inLabels)).toEqual({
    problem: '{{.Service.Labels.team}}: a label can not hold another one; write the value out',
  });
});

test.each([
  ['a {{.Config.A}}{{ .Config.B_1 }} {{.Task.ID}} {{"{{"}}.Config.C}}', ['A', 'B_1']],
  ['.Config.A', []],
  ['{{.Config.1}}', []],
])('the keys that %s takes', (text, keys) => {
  expect(configKeysIn(text)).toEqual(keys);
});

test('any text between known placeholders stays as it is', () => {
  const plain = fc.string({ unit: 'binary' }).filter((text) => !/[{}]/.test(text));
  const part = fc.oneof(
    plain.map((text) => [text, text] as const),
    fc.constantFrom(...PLACEHOLDERS).map((name) => [`{{.${name}}}`, VALUES[name]] as const),
  );
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const [text, filled] = [0, 1].map((side) => parts.map((one) => one[side]).join(''));
      expect(fillPlaceholders(text!, VALUES)).toBe(filled);
    }),
  );
});

test('any text is filled in or refused, in no time', () => {
  const part = fc.constantFrom('{', '}', '{{', '}}', '"', '.Task.ID', ' ', 'index .Service.Labels ', 'x');
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(part, { maxLength: 200 }).map((parts) => parts.join('')),
      ),
      (text) => {
        const filled = fillPlaceholders(text, VALUES);
        expect(typeof filled === 'string' || filled.problem !== '').toBe(true);
      },
    ),
  );
});
