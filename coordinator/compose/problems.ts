import type { Problem } from '../../lib/documents/types';
import { UNPRINTABLE } from '../../lib/unprintable';
import type { Path, Place, Places } from './places';
import type { Rule } from './rules';

/** More than anybody mends in one go, and a bound on the status document. */
const MAX_PROBLEMS = 50;
/** So many are looked at to find the first of the document; more are only counted, or they would take minutes. */
const MAX_FOUND = 500;
/** A message quotes documents; this much of one. */
const MAX_MESSAGE_CHARACTERS = 600;
const MAX_PATH_CHARACTERS = 200;

/** Collects everything that is wrong with one document, with the place of each. */
export class Problems {
  private readonly list: Problem[] = [];
  private count = 0;

  constructor(private readonly places: Places) {}

  /** About the value at the path. */
  add(rule: Rule, path: Path, message: string): void {
    if (this.isCounted()) this.push(rule, this.places.ofValue(path), message, path);
  }

  /** About the key at the path rather than its value. */
  addKey(rule: Rule, path: Path, message: string): void {
    if (this.isCounted()) this.push(rule, this.places.ofKey(path), message, path);
  }

  /** About the text at an offset. */
  addAt(rule: Rule, offset: number, message: string): void {
    if (this.isCounted()) this.push(rule, this.places.at(offset), message, []);
  }

  /** Where the value at the path stands. */
  placeOf(path: Path): Place {
    return this.places.ofValue(path);
  }

  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** True when more problems are only counted: their messages need no care. */
  get isFull(): boolean {
    return this.count >= MAX_FOUND;
  }

  /** The first ones, in the order in which they stand in the document; the last says how many more there are. */
  get sorted(): readonly Problem[] {
    const sorted = [...this.list].sort((a, b) => a.line - b.line || a.column - b.column).slice(0, MAX_PROBLEMS);
    const last = sorted.at(-1);
    const more = this.count - sorted.length;
    return last === undefined || more === 0
      ? sorted
      : [...sorted.slice(0, -1), { ...last, message: `${last.message} (and ${more} more problems)` }];
  }

  private isCounted(): boolean {
    return this.count++ < MAX_FOUND;
  }

  private push(rule: Rule, { line, column }: Place, message: string, path: Path): void {
    this.list.push({
      ...{ rule, line, column, key: '' },
      path: shown(formatPath(path), MAX_PATH_CHARACTERS),
      message: shown(message, MAX_MESSAGE_CHARACTERS),
    });
  }
}

/** ["ports", 0, "published"] → "ports[0].published" */
export function formatPath(path: Path): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('');
}

/** Cut, on one line, and without what a terminal would obey. */
function shown(text: string, maxCharacters: number): string {
  const cut = text.length > maxCharacters ? `${text.slice(0, maxCharacters)}…` : text;
  return cut.replace(UNPRINTABLE, (letter) => {
    if (letter === '\n') return '\\n';
    return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
