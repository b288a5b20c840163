/** ${VARIABLES} in a Compose file. Compose Specification, "Interpolation". */
export type Variables = Readonly<Record<string, string | undefined>>;

export class InterpolationError extends Error {}

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;

/**
 * @param onUnset called for each variable that has neither a value nor a default: it becomes empty, as in Compose
 * @throws InterpolationError for ${A:?message} of an unset variable, and for what is no expression
 */
export function interpolate(text: string, variables: Variables, onUnset: (name: string) => void): string {
  let result = '';
  for (let at = 0; at < text.length;) {
    const dollar = text.indexOf('$', at);
    if (dollar < 0) return result + text.slice(at);
    result += text.slice(at, dollar);
    const next = text[dollar + 1];
    if (next === '$') {
      result += '$';
      at = dollar + 2;
    } else if (next === '{') {
      const end = closingBrace(text, dollar + 2);
      result += expand(text.slice(dollar + 2, end), variables, onUnset);
      at = end + 1;
    } else {
      NAME.lastIndex = dollar + 1;
      const name = NAME.exec(text)?.[0];
      if (name === undefined)
        throw new InterpolationError(`"${text}": a "$" stands alone; write "$$" for a dollar sign`);
      result += valueOf(name, variables, onUnset);
      at = dollar + 1 + name.length;
    }
  }
  return result;
}

function closingBrace(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '$' && text[at + 1] === '{') depth++;
    else if (text[at] === '}' && --depth === 0) return at;
  }
  throw new InterpolationError(`"${text}": a "\${" is not closed`);
}

function valueOf(name: string, variables: Variables, onUnset: (name: string) => void): string {
  const value = variables[name];
  if (value === undefined) onUnset(name);
  return value ?? '';
}

function expand(expression: string, variables: Variables, onUnset: (name: string) => void): string {
  const match = /^([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-?+])([\s\S]*))?$/.exec(expression);
  if (!match)
    throw new InterpolationError(
      `"\${${expression}}" is no expression; write \${NAME}, \${NAME:-default}, \${NAME:?message} or \${NAME:+replacement}`,
    );
  const [, name, operator, rest = ''] = match;
  const value = variables[name!];
  // With a colon an empty value counts as unset.
  const isSet = value !== undefined && !(operator?.startsWith(':') === true && value === '');
  const inner = (): string => interpolate(rest, variables, onUnset);
  if (operator?.endsWith('-') === true) return isSet ? value : inner();
  if (operator?.endsWith('+') === true) return isSet ? inner() : '';
  if (operator === undefined) return valueOf(name!, variables, onUnset);
  if (!isSet) throw new InterpolationError(`the variable ${name} is wanted: ${inner() || 'it is not set'}`);
  return value;
}
