/** ${VARIABLES} in a Compose file. Compose Specification, "Interpolation". */

/** As a Map has it; no plain object, since a variable may be named "constructor". */
export type Variables = Pick<ReadonlyMap<string, string>, 'get'>;

export class InterpolationError extends Error {}

/** ${A:-${B:-…}}: more than anybody writes. */
const MAX_DEPTH = 32;
/** Linux takes no longer text into a process (MAX_ARG_STRLEN is 128 KiB); values that double each other end here. */
export const MAX_VALUE_CHARACTERS = 1024 * 1024;
const MAX_QUOTED_CHARACTERS = 60;

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;

/**
 * @param onUnset called for each variable that has neither a value nor a default: it becomes empty, as in Compose
 * @throws InterpolationError for ${A:?message} of an unset variable, and for what is no expression
 */
export function interpolate(text: string, variables: Variables, onUnset: (name: string) => void): string {
  return new Interpolation(variables, onUnset).expandText(text, 0);
}

class Interpolation {
  constructor(
    private readonly variables: Variables,
    private readonly onUnset: (name: string) => void,
  ) {}

  expandText(text: string, depth: number): string {
    if (depth > MAX_DEPTH) throw new InterpolationError(`"${cut(text)}": nested more than ${MAX_DEPTH} deep`);
    let result = '';
    let at = 0;
    for (let dollar = text.indexOf('$'); dollar >= 0; dollar = text.indexOf('$', at)) {
      const { value, end } = this.expandAt(text, dollar, depth);
      result += text.slice(at, dollar) + value;
      at = end;
      if (result.length > MAX_VALUE_CHARACTERS)
        throw new InterpolationError(`this becomes longer than ${MAX_VALUE_CHARACTERS} characters`);
    }
    return result + text.slice(at);
  }

  private expandAt(text: string, dollar: number, depth: number): { readonly value: string; readonly end: number } {
    const next = text[dollar + 1];
    if (next === '$') return { value: '$', end: dollar + 2 };
    if (next === '{') {
      const end = closingBrace(text, dollar + 2);
      return { value: this.expandBraced(text.slice(dollar + 2, end), depth), end: end + 1 };
    }
    NAME.lastIndex = dollar + 1;
    const name = NAME.exec(text)?.[0];
    if (name === undefined)
      throw new InterpolationError(`"${cut(text)}": a "$" stands alone; write "$$" for a dollar sign`);
    return { value: this.valueOf(name), end: dollar + 1 + name.length };
  }

  private expandBraced(expression: string, depth: number): string {
    const match = /^([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-?+])([\s\S]*))?$/.exec(expression);
    if (!match)
      throw new InterpolationError(
        `"\${${cut(expression)}}" is no expression; write \${NAME}, \${NAME:-default}, \${NAME:?message} or \${NAME:+replacement}`,
      );
    const [, name = '', operator, rest = ''] = match;
    const value = this.variables.get(name);
    // With a colon an empty value counts as unset.
    const isSet = value !== undefined && !(operator?.startsWith(':') === true && value === '');
    const inner = (): string => this.expandText(rest, depth + 1);
    if (operator?.endsWith('-') === true) return isSet ? value : inner();
    if (operator?.endsWith('+') === true) return isSet ? inner() : '';
    if (operator === undefined) return this.valueOf(name);
    if (!isSet) throw new InterpolationError(`the variable ${name} is wanted: ${inner() || 'it is not set'}`);
    return value;
  }

  private valueOf(name: string): string {
    const value = this.variables.get(name);
    if (value === undefined) this.onUnset(name);
    return value ?? '';
  }
}

function closingBrace(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '$' && text[at + 1] === '{') {
      depth++;
      at++;
    } else if (text[at] === '}' && --depth === 0) return at;
  }
  throw new InterpolationError(`"${cut(text)}": a "\${" is not closed`);
}

function cut(text: string): string {
  return text.length > MAX_QUOTED_CHARACTERS ? `${text.slice(0, MAX_QUOTED_CHARACTERS)}…` : text;
}
