/** Pure: Traefik's labels of one service → what they say of its dynamic configuration, checked against its schema. */
import { nearestName } from '../../../lib/nearest';
import { PROTOCOLS, SCHEMA, SECTIONS, type Fields, type Protocol, type Section, type Shape } from './schema';

export type Value = string | number | boolean | readonly Value[] | Tree;
/** Of one router, service or middleware, or a part of it. */
export interface Tree {
  [name: string]: Value;
}

export interface LabelProblem {
  readonly label: string;
  /** For people. */
  readonly message: string;
}

export interface ReadLabels {
  /** False: traefik.enable says that Traefik is to know nothing of the service, or no label is Traefik's. */
  readonly isWanted: boolean;
  readonly found: Readonly<Record<Protocol, Readonly<Record<Section, Tree>>>>;
  /** Of labels that are left out. */
  readonly problems: readonly LabelProblem[];
}

const PREFIX = 'traefik.';
/** Of its Docker provider: where it finds a container, which here is the matter of published ports. */
const OTHERS = /^traefik\.(?:docker|swarm|tags|constraint)/i;
const MAX_DOMAINS = 100;
/** Of a router, service or middleware, and of what has names below it. */
const NAME = /^(?!__proto__)[\w-]+$/;

/** What is wrong with one label. */
class Misfit extends Error {}

export function readLabels(labels: Readonly<Record<string, string>>): ReadLabels {
  const found = {
    http: { routers: {}, services: {}, middlewares: {} },
    tcp: { routers: {}, services: {}, middlewares: {} },
  } satisfies Record<Protocol, Record<Section, Tree>>;
  const problems: LabelProblem[] = [];
  let isWanted: boolean | undefined;
  // Sorted: "…tls=true" stands before what is in tls, whatever the order in which they are written.
  for (const [label, value] of Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!label.toLowerCase().startsWith(PREFIX) || OTHERS.test(label)) continue;
    try {
      if (label.toLowerCase() === 'traefik.enable') isWanted = readFlag(value);
      else put(found, label.slice(PREFIX.length), value);
    } catch (error) {
      if (!(error instanceof Misfit)) throw error;
      problems.push({ label, message: error.message });
    }
  }
  const isAny = Object.values(found).some((one) => Object.values(one).some((tree) => Object.keys(tree).length > 0));
  return { isWanted: isWanted ?? (isAny || problems.length > 0), found, problems };
}

function put(found: ReadLabels['found'], path: string, value: string): void {
  // Half of a pair: there is no way to write it that Traefik reads.
  if (/\p{Surrogate}/u.test(value)) throw new Misfit('it is no text: it has half of a character');
  const [first = '', second = '', name = '', ...rest] = path.split('.');
  const protocol = PROTOCOLS.find((one) => one === first.toLowerCase());
  if (protocol === undefined) throw new Misfit(`there is nothing called "${first}"; http and tcp are supported`);
  const section = SECTIONS.find((one) => one === second.toLowerCase());
  if (section === undefined) throw new Misfit(`there is nothing called "${second}"; there are ${SECTIONS.join(', ')}`);
  if (!NAME.test(name) || rest.length === 0)
    throw new Misfit('it has no name of letters, digits, "-" and "_", or says nothing of what has the name');
  // Read apart first: a label that does not fit leaves nothing behind.
  const read = readInto({}, SCHEMA[protocol][section], rest, value);
  const all = found[protocol][section];
  all[name] = merged(all[name], read);
}

/** @returns the tree with what one label says in it */
function readInto(tree: Tree, { fields }: Fields, [first = '', ...rest]: readonly string[], value: string): Tree {
  const [, word = first, index] = /^(.*)\[(\d{1,4})\]$/.exec(first) ?? [];
  const name = Object.keys(fields).find((one) => one.toLowerCase() === word.toLowerCase());
  if (name === undefined) {
    const nearest = nearestName(word, Object.keys(fields));
    const hint = nearest === undefined ? `there are ${Object.keys(fields).join(', ')}` : `did you mean "${nearest}"?`;
    throw new Misfit(`there is nothing called "${word}"; ${hint}`);
  }
  const shape = fields[name]!;
  const isList = typeof shape === 'object' && 'eachOf' in shape;
  if (isList !== (index !== undefined)) throw new Misfit(isList ? `write ${name}[0]` : `"${name}" is no list of parts`);
  return {
    ...tree,
    [name]: isList ? readItem(shape.eachOf, Number(index), rest, value) : readShape(shape, rest, value, name),
  };
}

/** @returns a list with gaps, as a map: other labels fill them */
function readItem(shape: Fields, index: number, rest: readonly string[], value: string): Tree {
  if (index >= MAX_DOMAINS) throw new Misfit(`${MAX_DOMAINS} are the limit`);
  if (rest.length === 0) throw new Misfit('it says nothing of it');
  return { [`[${index}]`]: readInto({}, shape, rest, value) };
}

function readShape(
  shape: Exclude<Shape, { eachOf: Fields }>,
  rest: readonly string[],
  value: string,
  name: string,
): Value {
  if (typeof shape === 'object') {
    if (rest.length > 0) return readInto({}, shape, rest, value);
    if (shape.mayBeEmpty !== true) throw new Misfit(`"${name}" alone says nothing; write what is in it`);
    if (!readFlag(value)) throw new Misfit(`leave it out instead of "${value}"`);
    return {};
  }
  if (shape === 'texts' || shape === 'free') {
    if (rest.length === 0) throw new Misfit(`"${name}" wants names below it`);
    const odd = rest.find((part) => !NAME.test(part));
    if (odd !== undefined) throw new Misfit(`"${odd}" is no name that is supported here`);
    if (shape === 'texts') return { [rest.join('.')]: value };
    return rest.reduceRight<Value>((inner, part) => ({ [part]: inner }), value);
  }
  if (rest.length > 0) throw new Misfit(`"${name}" has nothing below it`);
  if (shape === 'flag') return readFlag(value);
  if (shape === 'list') return readList(value);
  if (shape === 'whole') return readWhole(value);
  if (shape === 'time' && !isTime(value)) throw new Misfit(`"${value}" is no duration; write 10s, 500ms, or seconds`);
  return value;
}

/** Go counts nanoseconds in 63 bits, which is 292 years. */
const MAX_TIME_S = 9e9;
const UNITS_S: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6, µs: 1e-6, ns: 1e-9 };

function isTime(value: string): boolean {
  if (!TIME.test(value)) return false;
  const parts = [...value.matchAll(/([\d.]+)(\D*)/g)];
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * (UNITS_S[unit!] ?? 1), 0) <= MAX_TIME_S;
}

/** time.ParseDuration of Go, or whole seconds. */
const TIME = /^(?:\d+|[-+]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))+)$/;

/** strconv.ParseBool of Go. */
function readFlag(value: string): boolean {
  if (/^(?:1|t|T|TRUE|true|True)$/.test(value)) return true;
  if (/^(?:0|f|F|FALSE|false|False)$/.test(value)) return false;
  throw new Misfit(`"${value}" is neither true nor false`);
}

function readWhole(value: string): number {
  const number = /^[-+]?\d{1,16}$/.test(value) ? Number(value) : NaN;
  if (!Number.isSafeInteger(number)) throw new Misfit(`"${value}" is no whole number`);
  return number;
}

function readList(value: string): readonly string[] {
  const items = value.split(',').map((item) => item.trim());
  if (items.some((item) => item === '')) throw new Misfit(`"${value}" is no list; write one, or several with commas`);
  return items;
}

/** What two labels say of the same thing: parts of it side by side, of one value the later. */
function merged(before: Value | undefined, now: Value): Value {
  if (!isTree(before) || !isTree(now)) return now;
  const all: Tree = { ...before };
  for (const [name, value] of Object.entries(now)) all[name] = merged(all[name], value);
  return all;
}

export function isTree(value: Value | undefined): value is Tree {
  return typeof value === 'object' && !Array.isArray(value);
}

/** As it stands in the document: what has parts [0], [1] … becomes a list. */
export function inDocument(value: Value): Value {
  if (!isTree(value)) return value;
  const entries = Object.entries(value);
  if (entries.length > 0 && entries.every(([name]) => /^\[\d+\]$/.test(name)))
    return entries
      .sort(([a], [b]) => Number(a.slice(1, -1)) - Number(b.slice(1, -1)))
      .map(([, item]) => inDocument(item));
  return Object.fromEntries(entries.map(([name, item]) => [name, inDocument(item)]));
}
