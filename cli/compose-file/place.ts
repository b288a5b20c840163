/** Where something stands in a file, and how to show it. */
import { UNPRINTABLE } from '../../lib/unprintable';
import { Lines } from '../../lib/yaml/lines';
import type { Path, Places } from '../../lib/yaml/places';

export interface NamedText {
  /** For messages: "compose.yaml", or "standard input". */
  readonly name: string;
  readonly text: string;
}

/** Written only when it is shown: a large file may have very many. */
export type Trouble = () => string;

/** More than anybody mends in one go. */
export const MAX_TROUBLES = 20;
/** Of a longer line only what is around the place is shown. */
const MAX_LINE_CHARACTERS = 160;

/** What is wrong with a file of an operator, for people, each trouble with its place. */
export class ComposeFileError extends Error {
  constructor(readonly troubles: readonly Trouble[]) {
    const more = troubles.length - MAX_TROUBLES;
    const shown = troubles.slice(0, MAX_TROUBLES).map((trouble) => trouble());
    super([...shown, ...(more > 0 ? [`… and ${more} more.`] : [])].join('\n\n'));
    this.name = 'ComposeFileError';
  }
}

/** "compose.yaml:3:5: what", with the line and a caret under it. */
export function showPlace({ name, text }: NamedText, offset: number, what: string): string {
  const at = new Lines(text).at(offset);
  const column = at.column - 1;
  const end = text.indexOf('\n', offset);
  const number = String(at.line);
  const from = column < MAX_LINE_CHARACTERS ? 0 : column - MAX_LINE_CHARACTERS / 2;
  const line = text.slice(offset - column, end < 0 ? undefined : end).replace(/\r$/, '');
  const cut = line.slice(from, from + MAX_LINE_CHARACTERS);
  const shown = `${from > 0 ? '…' : ''}${printable(cut)}${from + cut.length < line.length ? '…' : ''}`;
  const caret = ' '.repeat(column - from + (from > 0 ? 1 : 0));
  return `${name}:${number}:${at.column}: ${what}\n  ${number} | ${shown}\n  ${' '.repeat(number.length)} | ${caret}^`;
}

/** Without what a terminal would obey, and as many characters as before, so that a caret under it fits. */
function printable(text: string): string {
  return text.replace(/\t/g, ' ').replace(UNPRINTABLE, '\ufffd');
}

/** A YAML file of an operator, with the places of its parts, also of those that came by an alias or a merge key. */
export class Source {
  /** @param value of the whole file */
  constructor(
    private readonly file: NamedText,
    private readonly value: unknown,
    private readonly places: Places,
  ) {}

  /** At the value at the path; where there is none, at the nearest thing around it. */
  show(path: Path, what: string): string {
    return showPlace(this.file, this.places.ofValue(path), what);
  }

  /** At the key at the path rather than its value. */
  showKey(path: Path, what: string): string {
    return showPlace(this.file, this.places.ofKey(path), what);
  }

  /**
   * At what a coordinator calls "ports[0].published" inside of the thing at the path.
   * @param isKey at the key there rather than its value
   */
  showWithin(path: Path, inner: string, isKey: boolean, what: string): string {
    const around = path.reduce(innerOf, this.value);
    const { within, rest } = pathWithin(around, inner);
    const full = [...path, ...within];
    return isKey && rest === '' ? this.showKey(full, what) : this.show(full, what);
  }
}

interface PathWithin {
  readonly within: Path;
  /** What of the text leads nowhere. */
  readonly rest: string;
}

/** Keys may hold dots and brackets themselves: the longest key that fits is meant. */
function pathWithin(value: unknown, text: string): PathWithin {
  if (text === '' || typeof value !== 'object' || value === null) return { within: [], rest: text };
  const step = Array.isArray(value) ? stepInList(value, text) : stepInMap(value, text);
  if (step === undefined) return { within: [], rest: text };
  const { within, rest } = pathWithin(innerOf(value, step.part), text.slice(step.length).replace(/^\./, ''));
  return { within: [step.part, ...within], rest };
}

function innerOf(value: unknown, part: string | number): unknown {
  return (value as Record<string | number, unknown> | null | undefined)?.[part];
}

interface Step {
  readonly part: string | number;
  /** So much of the text it is. */
  readonly length: number;
}

function stepInList(list: readonly unknown[], text: string): Step | undefined {
  const [all, index] = /^\[(\d+)\]/.exec(text) ?? [];
  // A list of NAME=value is a map to the coordinator.
  const named = list.findIndex((item) => typeof item === 'string' && item.split('=', 1)[0] === text);
  const part = index === undefined ? named : Number(index);
  return part in list ? { part, length: all?.length ?? text.length } : undefined;
}

function stepInMap(map: object, text: string): Step | undefined {
  const part = Object.keys(map)
    .filter((name) => text === name || text.startsWith(`${name}.`) || text.startsWith(`${name}[`))
    .sort((a, b) => b.length - a.length)[0];
  return part === undefined ? undefined : { part, length: part.length };
}
