/** Files of NAME=value: .env and env_file, as Docker Compose reads them. */
import { interpolate, InterpolationError, type Variables } from './interpolate';
import { ComposeFileError, showPlace, type NamedText } from './place';

export interface EnvValue {
  readonly value: string;
  /** Where in the file its line begins. */
  readonly offset: number;
}

export interface EnvFileRules {
  /** For ${names} and for names without a value; they win over the file's own. */
  readonly variables: Variables;
  /** Called for each variable in a value that has neither a value nor a default. */
  readonly onUnset: (name: string) => void;
  /** Values as they stand, without quotes or variables: Compose's "format: raw". */
  readonly isRaw?: boolean;
}

/** Values may hold each other; together they end here. */
const MAX_CHARACTERS = 4 * 1024 * 1024;

const NAME = /(?:export[ \t]+)?([\p{L}\p{N}_.[\]-]+)[ \t]*(?:([=:])[ \t]*|(?=\r?\n|$|#))/uy;
const TO_LINE_END = /[^\n]*/y;
const NOTHING_MORE = /[ \t]*(?:#[^\n]*)?\r?(?:\n|$)/y;
const BLANK = /\s+|#[^\n]*/y;
const ESCAPE = /\\([abcfnrtv$"\\])/g;
const ESCAPES: Readonly<Record<string, string>> = {
  ...{ a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '"': '"', '\\': '\\' },
  // Stays a dollar sign through the interpolation that follows.
  $: '$$',
};

/**
 * Quotes, values of several lines, `export`, comments and, outside of single quotes, ${variables} as in Compose.
 * Of a name that is there twice the last counts.
 * @throws ComposeFileError with the line that is wrong
 */
export function parseEnvFile(file: NamedText, rules: EnvFileRules): ReadonlyMap<string, EnvValue> {
  const found = new Map<string, EnvValue>();
  const { text } = file;
  let characters = 0;
  for (let at = skipBlank(text, 0); at < text.length; at = skipBlank(text, at)) {
    const offset = at;
    const { name, value, end } = readPair(file, at, found, rules);
    if (value !== undefined) found.set(name, { value, offset });
    characters += value?.length ?? 0;
    if (characters > MAX_CHARACTERS)
      fail(file, offset, `the values are longer than ${MAX_CHARACTERS} characters together`);
    at = end;
  }
  return found;
}

interface Pair {
  readonly name: string;
  /** Undefined for a name without a value that nothing gives one. */
  readonly value: string | undefined;
  readonly end: number;
}

function readPair(file: NamedText, at: number, found: ReadonlyMap<string, EnvValue>, rules: EnvFileRules): Pair {
  const { text } = file;
  NAME.lastIndex = at;
  const match = NAME.exec(text);
  if (match === null) return fail(file, at, 'no NAME=value');
  const [all, name = '', sign] = match;
  const start = at + all.length;
  const lineEnd = skip(TO_LINE_END, text, start);
  if (sign === undefined) return { name, value: rules.variables.get(name), end: lineEnd };
  if (rules.isRaw === true) return { name, value: text.slice(start, lineEnd).replace(/\r$/, ''), end: lineEnd };
  const expand = (value: string): string => {
    try {
      return interpolate(value, withFound(rules.variables, found), rules.onUnset);
    } catch (error) {
      return error instanceof InterpolationError ? fail(file, at, error.message) : raise(error);
    }
  };
  const quote = text[start];
  if (quote !== '"' && quote !== "'")
    return {
      name,
      value: expand(
        text
          .slice(start, lineEnd)
          .replace(/(^|[ \t])#.*$/, '')
          .trim(),
      ),
      end: lineEnd,
    };
  const { content, end } = readQuoted(file, start, quote);
  const value = quote === "'" ? content : expand(content.replace(ESCAPE, (_, letter: string) => ESCAPES[letter]!));
  return { name, value, end };
}

function readQuoted(file: NamedText, start: number, quote: string): { readonly content: string; readonly end: number } {
  const { text } = file;
  let content = '';
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\' && at + 1 < text.length) {
      // In single quotes a backslash means something before such a quote alone.
      const next = text[++at]!;
      content += next === quote && quote === "'" ? quote : `\\${next}`;
    } else if (text[at] === quote) {
      const end = skip(NOTHING_MORE, text, at + 1);
      if (end === at + 1 && end < text.length) fail(file, at + 1, 'text after the closing quote');
      return { content, end };
    } else content += text[at];
  }
  return fail(file, start, `the ${quote} is not closed`);
}

function withFound(variables: Variables, found: ReadonlyMap<string, EnvValue>): Variables {
  return { get: (name) => variables.get(name) ?? found.get(name)?.value };
}

function skipBlank(text: string, from: number): number {
  let at = from;
  for (let next = skip(BLANK, text, at); next > at; next = skip(BLANK, text, at)) at = next;
  return at;
}

/** @returns the offset after what the sticky pattern matches; the same offset when it does not */
function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

function fail(file: NamedText, offset: number, what: string): never {
  throw new ComposeFileError([() => showPlace(file, offset, `${what} [env-file]`)]);
}

function raise(error: unknown): never {
  throw error;
}
