/** Files of NAME=value lines: .env and env_file. */
import { interpolate, type Variables } from './interpolate';

const LINE = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*(?:=\s*(.*))?$/;

/**
 * Quotes, `export`, comments and, outside of single quotes, ${variables} as in Compose.
 * @param variables for interpolation and for names without a value
 * @throws Error with the line that is wrong
 */
export function parseEnvFile(text: string, file: string, variables: Variables): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  text.split(/\r?\n/).forEach((line, index) => {
    if (/^\s*(#|$)/.test(line)) return;
    const match = LINE.exec(line);
    if (!match) throw new Error(`${file}:${index + 1}: "${line.slice(0, 60)}" is no NAME=value`);
    const [, name, raw] = match;
    const known = { ...variables, ...found };
    const value = raw === undefined ? known[name!] : unquote(raw, known, `${file}:${index + 1}`);
    if (value !== undefined) found[name!] = value;
  });
  return found;
}

function unquote(raw: string, variables: Variables, where: string): string {
  const quoted = /^(["'])((?:\\.|(?!\1)[^\\])*)\1\s*(?:#.*)?$/.exec(raw);
  if (quoted?.[1] === "'") return quoted[2]!;
  if (quoted !== null)
    return interpolate(
      quoted[2]!.replace(/\\(.)/g, (_, letter: string) => ESCAPES[letter] ?? letter),
      variables,
      () => undefined,
    );
  if (/^["']/.test(raw)) throw new Error(`${where}: a quote is not closed; values of several lines are not supported`);
  return interpolate(raw.replace(/(^|\s)#.*$/, '').trim(), variables, () => undefined);
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };
