import * as fc from 'fast-check';
import { parseEnvFile } from './env-file';
import { ComposeFileError } from './place';

const SHELL = new Map([
  ['HOME', '/root'],
  ['EMPTY', ''],
]);

function parsed(text: string, isRaw = false): Record<string, string> {
  const found = parseEnvFile({ name: 'app.env', text }, { variables: SHELL, onUnset: () => undefined, isRaw });
  return Object.fromEntries([...found].map(([name, { value }]) => [name, value]));
}

test.each<[string, string, Record<string, string>]>([
  ['nothing', '', {}],
  ['blank lines and comments', '\n  \n# A=1\n   # B=2\n', {}],
  ['pairs', 'A=1\nB=two words\n', { A: '1', B: 'two words' }],
  ['no line break at the end', 'A=1', { A: '1' }],
  ['Windows line ends', 'A=1\r\nB="2"\r\n\r\nC\r\n', { A: '1', B: '2' }],
  ['an empty value', 'A=\nB=""\n', { A: '', B: '' }],
  ['spaces around', '  A  =  1  \n', { A: '1' }],
  ['export', 'export A=1\nexport\tB=2\nexport=3\n', { A: '1', B: '2', export: '3' }],
  ['a colon', 'A: 1\nB:2\n', { A: '1', B: '2' }],
  ['names with dots, dashes and brackets', 'a.b-c[0]=1', { 'a.b-c[0]': '1' }],
  ['an equals sign in a value', 'A=b=c', { A: 'b=c' }],
  ['a comment after a value', 'A=1 # one\nB=a#b\nC= # none\n', { A: '1', B: 'a#b', C: '' }],
  ['double quotes', 'A="x # y" # z\nB="it\'s"', { A: 'x # y', B: "it's" }],
  ['escapes in double quotes', String.raw`A="a\nb\tc\"d\\e\$HOME\q"`, { A: 'a\nb\tc"d\\e$HOME\\q' }],
  ['single quotes', "A='x # $HOME \\n' # z", { A: 'x # $HOME \\n' }],
  ['a single quote in single quotes', String.raw`A='it\'s'`, { A: "it's" }],
  ['several lines', 'A="1\n2"\nB=\'3\n# 4\n\'\nC=5', { A: '1\n2', B: '3\n# 4\n', C: '5' }],
  ['a quote within', 'A=a"b"', { A: 'a"b"' }],
  ['variables', 'A=$HOME/x\nB="${HOME}y"\nC=${A}z\nD=${NO:-d}', { A: '/root/x', B: '/rooty', C: '/root/xz', D: 'd' }],
  ['the shell wins over the file in variables', 'HOME=/home\nA=$HOME', { HOME: '/home', A: '/root' }],
  ['a name without a value takes the shell’s', 'HOME\nEMPTY\nNO\nexport HOME # c', { HOME: '/root', EMPTY: '' }],
  ['the last one of a name', 'A=1\nA=2', { A: '2' }],
  ['names that objects have', 'constructor\n__proto__=1', Object.fromEntries([['__proto__', '1']])],
])('%s', (_, text, values) => {
  expect(parsed(text)).toEqual(values);
});

test('format: raw takes values as they stand', () => {
  expect(parsed('# c\nA="$HOME" # x\r\nB=\'\n', true)).toEqual({ A: '"$HOME" # x', B: "'" });
});

test.each<[string, string, string]>([
  ['no pair', 'A=1\nwhat is this', 'app.env:2:1: no NAME=value [env-file]\n  2 | what is this\n    | ^'],
  ['a value without a name', '=1', 'app.env:1:1: no NAME=value'],
  ['an open quote', 'B=1\nA="x\ny', 'app.env:2:3: the " is not closed'],
  ['text after a quote', 'A="x"y', 'app.env:1:6: text after the closing quote'],
  ['a dollar sign alone', '\nA=5$', 'app.env:2:1: "5$": a "$" stands alone'],
  ['a wanted variable', 'A=${NO:?set it}', 'app.env:1:1: the variable NO is wanted: set it'],
])('%s is refused with its place', (_, text, message) => {
  expect(() => parsed(text)).toThrow(ComposeFileError);
  expect(() => parsed(text)).toThrow(message);
});

test('values that double each other are refused before they fill the memory', () => {
  const lines = Array.from({ length: 60 }, (_, index) => `A${index + 1}=$A${index}$A${index}`);
  expect(() => parsed(['A0=0123456789', ...lines].join('\n'))).toThrow(/longer than/);
});

test('any text becomes values or a ComposeFileError', () => {
  const part = fc.constantFrom(
    'A',
    '=',
    '"',
    "'",
    '\\',
    '\n',
    '\r\n',
    ' ',
    '#',
    '$',
    '${',
    '}',
    'export ',
    ':',
    '\t',
    'é',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(part).map((parts) => parts.join('')),
      ),
      (text) => {
        try {
          parsed(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ComposeFileError);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('any value comes back from quotes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      const quoted = value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replaceAll('$', '\\$');
      expect(parsed(`A="${quoted}"`)).toEqual({ A: value });
    }),
  );
});
