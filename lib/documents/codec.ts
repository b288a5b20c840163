/**
 * The one way between a document and its text in etcd: JSON with the proto's lowerCamelCase names, int64 as
 * JSON numbers, enums by name, fields at their default left out. Equal documents give equal text.
 */
import { Enum, MapField, Type, type Field } from 'protobufjs';
import { nearestName } from '../nearest';
import { schema } from './schema';
import type { DocumentName, DocumentTypes } from './types';

/** A document in etcd that does not follow its proto. */
export class DocumentError extends Error {
  constructor(
    readonly rule: 'json-syntax' | 'unknown-key' | 'wrong-type' | 'out-of-range',
    /** "instances.web-1-x7k2.slot"; empty for the whole document. */
    readonly path: string,
    what: string,
  ) {
    super(path === '' ? what : `${path}: ${what}`);
    this.name = 'DocumentError';
  }
}

function typeOf(name: string): Type {
  return schema.lookupType(`berth.v1.${name}`);
}

/** @throws DocumentError for text that is not JSON, and for the first field that is unknown or of a wrong type. */
export function decodeDocument<N extends DocumentName>(name: N, text: string): DocumentTypes[N] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new DocumentError('json-syntax', '', `not JSON: ${(error as Error).message}`);
  }
  return readMessage(typeOf(name), parsed, '') as DocumentTypes[N];
}

/** @returns the document with nothing set: what an empty object decodes to */
export function emptyDocument<N extends DocumentName>(name: N): DocumentTypes[N] {
  return readMessage(typeOf(name), {}, '') as DocumentTypes[N];
}

/** @throws Error for a document that nobody could read again: a mistake of the program, never of its input */
export function encodeDocument<N extends DocumentName>(name: N, document: DocumentTypes[N]): string {
  try {
    return JSON.stringify(writeMessage(typeOf(name), document, ''));
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    throw new Error(`a ${name} can not be written: ${error.message}`, { cause: error });
  }
}

type Fields = Record<string, unknown>;

function readMessage(type: Type, value: unknown, path: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new DocumentError('wrong-type', path, `${describe(value)}, but an object is wanted`);
  for (const key of Object.keys(value)) {
    if (Object.hasOwn(type.fields, key)) continue;
    const nearest = nearestName(key, Object.keys(type.fields));
    const hint =
      nearest === undefined ? `there are ${Object.keys(type.fields).join(', ')}` : `did you mean "${nearest}"?`;
    throw new DocumentError('unknown-key', join(path, key), `no such field; ${hint}`);
  }
  const message: Fields = {};
  for (const field of type.fieldsArray) {
    const given = Object.hasOwn(value, field.name) ? (value as Fields)[field.name] : undefined;
    const decoded = readField(field, given, join(path, field.name));
    if (decoded !== undefined) message[field.name] = decoded;
  }
  return message;
}

function readField(field: Field, given: unknown, path: string): unknown {
  if (given === undefined) return defaultOf(field);
  if (field instanceof MapField) {
    if (typeof given !== 'object' || given === null || Array.isArray(given))
      throw new DocumentError('wrong-type', path, `${describe(given)}, but an object is wanted`);
    // A prototype-less walk would not survive JSON round trips elsewhere; fromEntries defines own properties only.
    return Object.fromEntries(
      Object.entries(given).map(([key, item]) => [key, readValue(field, item, join(path, key))]),
    );
  }
  if (field.repeated) {
    if (!Array.isArray(given)) throw new DocumentError('wrong-type', path, `${describe(given)}, but a list is wanted`);
    return given.map((item, index) => readValue(field, item, `${path}[${index}]`));
  }
  return readValue(field, given, path);
}

function readValue(field: Field, given: unknown, path: string): unknown {
  const wanted = field.resolvedType;
  if (wanted instanceof Type) return readMessage(wanted, given, path);
  if (wanted instanceof Enum) {
    if (typeof given === 'string' && Object.hasOwn(wanted.values, given)) return given;
    throw new DocumentError(
      'wrong-type',
      path,
      `${describe(given)}, but one of ${Object.keys(wanted.values).join(', ')} is wanted`,
    );
  }
  if (field.type === 'string' || field.type === 'bool') {
    const kind = field.type === 'bool' ? 'boolean' : 'string';
    if (typeof given !== kind)
      throw new DocumentError('wrong-type', path, `${describe(given)}, but a ${kind} is wanted`);
    return given;
  }
  return readInteger(field.type, given, path);
}

const INTEGER_BOUNDS: Readonly<Record<string, readonly [number, number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  // What JSON numbers hold exactly; bytes, nano CPUs, milliseconds and revisions all fit.
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
};

function readInteger(type: string, given: unknown, path: string): number {
  const bounds = INTEGER_BOUNDS[type];
  if (!bounds) throw new Error(`the codec does not know proto type ${type} (at ${path})`);
  if (typeof given !== 'number' || !Number.isInteger(given))
    throw new DocumentError('wrong-type', path, `${describe(given)}, but a whole number is wanted`);
  if (given < bounds[0] || given > bounds[1])
    throw new DocumentError('out-of-range', path, `${given} is outside of ${bounds[0]} to ${bounds[1]}`);
  return given;
}

/** One for all that are empty: of a fleet's documents, most are. */
const NO_ENTRIES = Object.freeze({});
const NO_ITEMS: readonly unknown[] = Object.freeze([]);

function defaultOf(field: Field): unknown {
  if (field instanceof MapField) return NO_ENTRIES;
  if (field.repeated) return NO_ITEMS;
  // Fields marked `optional` in the proto stay away; other messages are filled with their defaults.
  if (isOptional(field)) return undefined;
  const wanted = field.resolvedType;
  if (wanted instanceof Type) return readMessage(wanted, {}, '');
  if (wanted instanceof Enum) return wanted.valuesById[0];
  return field.type === 'string' ? '' : field.type === 'bool' ? false : 0;
}

function isOptional(field: Field): boolean {
  return field.options?.['proto3_optional'] === true;
}

function writeMessage(type: Type, message: Readonly<Fields>, path: string): Fields {
  const written: Fields = {};
  for (const field of type.fieldsArray) {
    const value = message[field.name];
    if (value === undefined || value === null) continue;
    const out = writeField(field, value, join(path, field.name));
    if (out !== undefined) written[field.name] = out;
  }
  return written;
}

function writeField(field: Field, value: unknown, path: string): unknown {
  const wanted = field.resolvedType;
  const writeValue = (item: unknown): unknown =>
    wanted instanceof Type ? writeMessage(wanted, item as Fields, path) : readValue(field, item, path);
  if (field instanceof MapField) {
    const entries = Object.entries(value as Fields).sort(([a], [b]) => (a < b ? -1 : 1));
    return entries.length === 0 ? undefined : Object.fromEntries(entries.map(([key, item]) => [key, writeValue(item)]));
  }
  if (field.repeated) return (value as unknown[]).length === 0 ? undefined : (value as unknown[]).map(writeValue);
  const written = writeValue(value);
  if (isOptional(field)) return written;
  if (wanted instanceof Type) return Object.keys(written as Fields).length === 0 ? undefined : written;
  return written === defaultOf(field) ? undefined : written;
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  const text = JSON.stringify(value);
  return `${typeof value} ${text.length > 40 ? `${text.slice(0, 40)}…` : text}`;
}
