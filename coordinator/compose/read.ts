/** Reads values of a parsed document, each with its path; what is wrong goes to the problems, and undefined comes back. */
import { nearestName } from '../../lib/nearest';
import { isMap } from '../../lib/yaml/fields';
import type { KeyTable } from '../../lib/compose/key-table';
import { configKeysIn, fillPlaceholders, type PlaceholderValues } from '../../lib/release/placeholders';
import { parseDurationMs } from './duration';
import type { Path } from './places';
import type { Problems } from './problems';

export type Parsed<T> = T | { readonly problem: string };

/**
 * What {{ }} in a text is: refused, Docker's own matter, or placeholders, which the agent fills in. Values that they are
 * filled in with for checks come with the last.
 */
export type Braces = 'refused' | 'verbatim' | Templates;

export type Templates = PlaceholderValues & {
  /** Gets every key of config that a text takes. */
  readonly onConfig: (key: string, path: Path) => void;
};

/** Stands for a value of config: what holds it can't be judged before the release is cut. No text has it. */
export const UNKNOWN = '\0';

export class Reader {
  constructor(
    readonly problems: Problems,
    readonly value: unknown,
    readonly path: Path,
    private readonly braces: Braces = 'refused',
  ) {}

  /** The same value, and all that is in it, with other rules for {{ }}. */
  withBraces(braces: Braces): Reader {
    return new Reader(this.problems, this.value, this.path, braces);
  }

  get isSet(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  at(key: string | number): Reader {
    const inner =
      typeof this.value === 'object' && this.value !== null && Object.hasOwn(this.value, key)
        ? (this.value as Record<string | number, unknown>)[key]
        : undefined;
    return new Reader(this.problems, inner, [...this.path, key], this.braces);
  }

  wrong(wanted: string): undefined {
    this.problems.add('wrong-type', this.path, `${describe(this.value)}; ${wanted}`);
    return undefined;
  }

  bad(message: string): undefined {
    this.problems.add('bad-value', this.path, message);
    return undefined;
  }

  outOfRange(message: string): undefined {
    this.problems.add('out-of-range', this.path, message);
    return undefined;
  }

  missing(key: string, message: string): undefined {
    this.problems.add('missing-key', this.at(key).path, message);
    return undefined;
  }

  /** A map whose keys are all supported. Every other key is a problem of its own. */
  fields(table: KeyTable): Reader | undefined {
    if (!this.isSet) return undefined;
    if (!isMap(this.value)) return this.wrong('a map of settings is wanted');
    for (const key of Object.keys(this.value)) this.checkKey(key, table);
    return this;
  }

  private checkKey(key: string, table: KeyTable): void {
    const status = Object.hasOwn(table, key) ? table[key] : undefined;
    const path = [...this.path, key];
    if (status?.is === 'supported' || (status === undefined && isExtension(key))) return;
    if (status === undefined && key === 'x-berth')
      this.problems.addKey('unknown-key', path, 'x-berth stands at the top of the service, beside image');
    else if (status === undefined) {
      const nearest = this.problems.isFull ? undefined : nearestName(key, Object.keys(table));
      const hint = nearest === undefined ? `there are ${supported(table).join(', ')}` : `did you mean "${nearest}"?`;
      this.problems.addKey('unknown-key', path, `no such key; ${hint}`);
    } else if (status.is === 'planned')
      this.problems.addKey('unsupported-key', path, `not supported yet; until then: ${status.note}`);
    else this.problems.addKey('unsupported-key', path, `not supported: ${status.note}`);
  }

  items(): readonly Reader[] {
    if (!this.isSet) return [];
    if (!Array.isArray(this.value)) return this.wrong('a list is wanted') ?? [];
    return this.value.map((_, index) => this.at(index));
  }

  /** Text. YAML's numbers and booleans count as what they say. */
  text(): string | undefined {
    if (!this.isSet) return undefined;
    if (typeof this.value === 'string') return this.checkText(this.value);
    if (typeof this.value === 'number' || typeof this.value === 'boolean') return String(this.value);
    return this.wrong('text is wanted');
  }

  /** @returns the text, unless it has what no container can take, or placeholders that can't be filled in */
  checkText(text: string): string | undefined {
    if (text.includes('\0')) return this.bad('text with a NUL character; no container can take it');
    if (!text.includes('{{') || this.braces === 'verbatim') return text;
    if (this.braces === 'refused')
      return this.bad(
        'placeholders in {{ }} stand in environment, command, entrypoint, labels, hostname and volumes alone; write the value out',
      );
    const filled = fillPlaceholders(text, this.braces);
    if (typeof filled !== 'string') return this.bad(filled.problem);
    for (const key of configKeysIn(text)) this.braces.onConfig(key, this.path);
    return text;
  }

  /** A text with its placeholders filled in, as far as that can be done here. */
  filled(text: string): string {
    if (typeof this.braces !== 'object') return text;
    const filled = fillPlaceholders(text, this.braces);
    return typeof filled === 'string' ? filled : text;
  }

  /** What a check says of a text with its placeholders filled in; nothing, where values of config are in it. */
  judge(text: string, check: (filled: string) => Parsed<string>): Parsed<string> {
    const filled = this.filled(text);
    return filled.includes(UNKNOWN) ? text : check(filled);
  }

  texts(): readonly string[] {
    return this.items().flatMap((item) => item.text() ?? (item.isSet ? [] : (item.wrong('text is wanted') ?? [])));
  }

  parsedTexts(parse: (text: string) => Parsed<string>): readonly string[] {
    return this.items().flatMap(
      (item) => item.parse(parse) ?? (item.isSet ? [] : (item.wrong('text is wanted') ?? [])),
    );
  }

  bool(): boolean | undefined {
    if (!this.isSet) return undefined;
    if (this.value === 'true' || this.value === 'false') return this.value === 'true';
    return typeof this.value === 'boolean' ? this.value : this.wrong('true or false is wanted');
  }

  integer(min: number, max: number): number | undefined {
    if (!this.isSet) return undefined;
    const number = typeof this.value === 'string' && /^-?\d+$/.test(this.value) ? Number(this.value) : this.value;
    if (typeof number !== 'number' || !Number.isInteger(number))
      return this.wrong(`a whole number from ${min} to ${max} is wanted`);
    return number >= min && number <= max
      ? number
      : this.outOfRange(`${number} is out of range; ${min} to ${max} is allowed`);
  }

  /** @returns milliseconds */
  duration(minMs: number, maxMs: number): number | undefined {
    const ms = this.parse(parseDurationMs);
    if (ms === undefined || (ms >= minMs && ms <= maxMs)) return ms;
    return this.outOfRange(`${ms} ms are out of range; ${minMs} ms to ${maxMs / 1000} s are allowed`);
  }

  oneOf<T extends string>(values: readonly T[]): T | undefined {
    const text = this.text();
    if (text === undefined || (values as readonly string[]).includes(text)) return text as T | undefined;
    return this.bad(`"${text}" is none of ${values.join(', ')}`);
  }

  /** One text, or a list of them. */
  oneOrMore(parse: (text: string) => Parsed<string>): readonly string[] {
    if (Array.isArray(this.value)) return this.parsedTexts(parse);
    const one = this.parse(parse);
    return one === undefined ? [] : [one];
  }

  /** Text that is kept as it is when it is right with its placeholders filled in. */
  template(check: (filled: string) => Parsed<string>): string | undefined {
    const text = this.text();
    if (text === undefined) return undefined;
    const checked = this.judge(text, check);
    return typeof checked === 'string' ? text : this.bad(checked.problem);
  }

  /** Text or number that a parser of its own reads. */
  parse<T>(parse: (text: string) => Parsed<T>): T | undefined {
    const text = this.text();
    if (text === undefined) return undefined;
    const parsed = parse(text);
    if (typeof parsed === 'object' && parsed !== null && 'problem' in parsed) return this.bad(parsed.problem);
    return parsed;
  }

  /** A map, or a list of NAME=value; of a name that a list has twice the last counts, as in Compose. */
  textMap({ noValue, refuse }: TextMapRules): Readonly<Record<string, string>> {
    const pairs = Array.isArray(this.value) ? this.listedPairs() : this.mappedPairs();
    return Object.fromEntries(
      pairs.flatMap(({ name, value, at }) => {
        const problem =
          name === '' || /[=\0]|\{\{/.test(name)
            ? `"${name}" is no name`
            : (refuse?.(name) ??
              (value === undefined && noValue !== 'empty' ? `"${name}" has no value; ${noValue}` : undefined));
        if (problem === undefined) return [[name, value ?? ''] as const];
        if (value === undefined || Array.isArray(this.value)) at.bad(problem);
        else this.problems.addKey('bad-value', at.path, problem);
        return [];
      }),
    );
  }

  private listedPairs(): readonly Pair[] {
    return this.items().flatMap((at) => {
      const text = at.isSet ? at.text() : at.wrong('NAME=value is wanted');
      if (text === undefined) return [];
      const end = text.indexOf('=');
      return [
        end < 0 ? { name: text, value: undefined, at } : { name: text.slice(0, end), value: text.slice(end + 1), at },
      ];
    });
  }

  private mappedPairs(): readonly Pair[] {
    if (!this.isSet) return [];
    if (!isMap(this.value)) return this.wrong('a map, or a list of NAME=value, is wanted') ?? [];
    return Object.keys(this.value).flatMap((name) => {
      const at = this.at(name);
      const value = at.text();
      return value === undefined && at.isSet ? [] : [{ name, value, at }];
    });
  }
}

interface Pair {
  readonly name: string;
  readonly value: string | undefined;
  readonly at: Reader;
}

export interface TextMapRules {
  /** What to do about a name without a value; 'empty' when that is no problem. */
  readonly noValue: 'empty' | (string & {});
  /** @returns what is wrong with a name */
  readonly refuse?: (name: string) => string | undefined;
}

/** Keys that the Compose Specification leaves to others; one letter off x-berth is none of them. */
function isExtension(key: string): boolean {
  return (
    key.startsWith('x-') && key !== 'x-berth' && !(key.startsWith('x-b') && nearestName(key, ['x-berth']) !== undefined)
  );
}

function supported(table: KeyTable): readonly string[] {
  return Object.keys(table).filter((key) => table[key]!.is === 'supported');
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'this is a list';
  if (typeof value === 'object') return value === null ? 'this is empty' : 'this is a map';
  const text = JSON.stringify(value) ?? 'nothing';
  return `this is ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`;
}
