/** What an answer is made of, before it is put in order and encoded. */

export type RecordData =
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | {
      readonly type: 'SRV';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    }
  | { readonly type: 'NS' | 'PTR'; readonly target: string }
  | { readonly type: 'SOA'; readonly host: string; readonly mailbox: string; readonly negativeTtl: number }
  /** RFC 8482, section 4.2: in the place of all that there is. */
  | { readonly type: 'HINFO' };

/** A type that somebody can ask for. "other": one of which nothing is ever there. */
export type AskedType = RecordData['type'] | 'ANY' | 'other';

/** One record of several that are put in another order for each query. */
export interface Choice {
  readonly record: RecordData;
  /** Address of the record's target. */
  readonly glue?: RecordData;
  /** Its share of first places, beside the others'. */
  readonly weight: number;
  /** In the zone that comes first. */
  readonly isNear: boolean;
}

/** Without choices: NODATA, when the name exists. */
export interface Answer {
  readonly exists: boolean;
  readonly choices: readonly Choice[];
  /** By instance: why it is not in the answer though it is healthy. */
  readonly leftOut: ReadonlyMap<string, string>;
}

const NONE_LEFT_OUT: ReadonlyMap<string, string> = new Map();
export const NXDOMAIN: Answer = { exists: false, choices: [], leftOut: NONE_LEFT_OUT };
export const NODATA: Answer = { exists: true, choices: [], leftOut: NONE_LEFT_OUT };

/** An answer of one record. */
export function single(record: RecordData): Answer {
  return { exists: true, choices: [{ record, weight: 1, isNear: true }], leftOut: NONE_LEFT_OUT };
}
