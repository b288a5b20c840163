import { createLogger, LOG_LEVELS, MAX_FIELD_CHARACTERS, type LogLevel } from './log';

let lines: string[];
beforeEach(() => {
  lines = [];
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
});
afterEach(() => jest.restoreAllMocks());

const written = (): unknown[] => lines.map((line) => JSON.parse(line) as unknown);

test('a line is one JSON object with what its logger and its parents add', () => {
  const log = createLogger({ component: 'agent' }).child({ host: 'h1' }).child({ instance: 'web-1', step: 'start' });
  log.info('start web-1\nnow', { step: 'stop', code: 7 });
  expect(lines).toEqual([expect.stringMatching(/^\{[^\n]*\}\n$/)]);
  const base = { level: 'info', component: 'agent', host: 'h1', instance: 'web-1', message: 'start web-1\nnow' };
  const timestamp = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as unknown;
  expect(written()).toEqual([{ ...base, timestamp, step: 'stop', code: 7 }]);
});

test.each<[LogLevel, readonly LogLevel[]]>([
  ['error', ['error']],
  ['warn', ['error', 'warn']],
  ['info', ['error', 'warn', 'info']],
  ['debug', ['error', 'warn', 'info', 'debug']],
])('at the level %s', (level, wanted) => {
  const log = createLogger({ component: 'agent', level });
  for (const each of LOG_LEVELS) log[each]('said');
  expect(written()).toEqual(wanted.map((each) => expect.objectContaining({ level: each }) as unknown));
});

test('long texts are cut, in the message and wherever they stand', () => {
  const text = 'x'.repeat(MAX_FIELD_CHARACTERS + 1);
  const cut = `${'x'.repeat(MAX_FIELD_CHARACTERS)}… (${MAX_FIELD_CHARACTERS + 1} characters)`;
  createLogger({ component: 'agent' }).warn(text, { reason: text, lines: [text.slice(1), text] });
  expect(written()).toEqual([expect.objectContaining({ message: cut, reason: cut, lines: [text.slice(1), cut] })]);
});
