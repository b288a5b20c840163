import { shuffled } from '../answers/order';
import type { Answer, Choice } from '../answers/records';
import { POINTER_BYTES, POINTER_TO_QUESTION, recordBody } from './record-bytes';

/** An answer whose records are encoded, in no order yet: it can be put together for each query in a microsecond. */
export interface Prepared {
  readonly exists: boolean;
  /**
   * Records of the answer, one behind the other, near ones first. One character, one byte: a string has no head of a hundred
   * bytes, and keeps nothing else alive, as parts of Node's pool of buffers do.
   */
  readonly records: string;
  /** Where each one ends. */
  readonly ends: readonly number[];
  /** Of each record, the address of its target, without the owner's name; empty where no target has one. */
  readonly glue: string;
  readonly glueEnds: readonly number[];
  readonly near: number;
  /** undefined: all alike */
  readonly weights: readonly number[] | undefined;
}

export function prepare({ exists, choices: all }: Answer, ttlSeconds: number): Prepared {
  if (all.length === 0) return exists ? EMPTY.noData : EMPTY.noName;
  const choices = [...all.filter(({ isNear }) => isNear), ...all.filter(({ isNear }) => !isNear)];
  const owner = Buffer.alloc(POINTER_BYTES);
  owner.writeUInt16BE(POINTER_TO_QUESTION);
  const bodies = choices.map(({ record }) => Buffer.concat([owner, recordBody(record, ttlSeconds)]));
  const glues = choices.flatMap(({ glue }) => (glue === undefined ? [] : [recordBody(glue, ttlSeconds)]));
  return {
    exists,
    ...{ records: textOf(bodies), ends: endsOf(bodies) },
    ...{ glue: textOf(glues), glueEnds: endsOf(glues) },
    near: choices.filter(({ isNear }) => isNear).length,
    weights: weightsOf(choices),
  };
}

const NOTHING = { records: '', ends: [], glue: '', glueEnds: [], near: 0, weights: undefined };
const EMPTY = { noData: { ...NOTHING, exists: true }, noName: { ...NOTHING, exists: false } };

const textOf = (parts: readonly Buffer[]): string => Buffer.concat(parts).toString('latin1');

function endsOf(parts: readonly Buffer[]): readonly number[] {
  let end = 0;
  return parts.map((part) => (end += part.length));
}

function weightsOf(choices: readonly Choice[]): readonly number[] | undefined {
  const isAlike = choices.every(({ weight }) => weight === choices[0]!.weight);
  return isAlike ? undefined : choices.map(({ weight }) => weight);
}

/** @param random numbers in [0, 1) */
export function orderOf({ ends, near, weights }: Prepared, random: () => number): readonly number[] {
  return ends.length === 1 ? ONE : shuffled(ends.length, near, weights, random);
}
const ONE = [0];
