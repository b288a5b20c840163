import * as fc from 'fast-check';
import { fillPlaceholders, PLACEHOLDERS, type PlaceholderValues } from './placeholders';

const VALUES: PlaceholderValues = {
  ...{ 'Service.Name': 'web', 'Service.ID': 'web-id', 'Task.ID': 'web-1-x', 'Task.Name': 'berth-web-1-x' },
  ...{ 'Task.Slot': '1', 'Node.Hostname': 'h1', 'Node.ID': 'n1', labels: { team: 'shop', 'a.b': '{{.Task.ID}}' } },
};

test.each([
  ['nothing', 'nothing'],
  ['{{.Service.Name}}-{{.Task.Slot}}', 'web-1'],
  ['{{ .Node.Hostname }}', 'h1'],
  ['{{.Service.Labels.team}}', 'shop'],
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
  ['{{if .Task.Slot}}x{{end}}', /no such placeholder/],
])('%s can not be filled in', (text, problem) => {
  expect(fillPlaceholders(text, VALUES)).toEqual({ problem: expect.stringMatching(problem) as string });
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
