import type { ICompare, IKeyValue, IRequestOp } from 'etcd3';
import type { Compare, Guard, KeyRange, KeyValue, Write } from './store';

/** Revisions are int64, which a number holds exactly up to 2^53. Lease ids use all 63 bits and stay text. */
export function keyValueOf(kv: IKeyValue): KeyValue {
  return {
    key: kv.key.toString('utf8'),
    value: kv.value.toString('utf8'),
    createRevision: Number(kv.create_revision),
    modRevision: Number(kv.mod_revision),
    ...(kv.lease === '0' ? {} : { lease: kv.lease }),
  };
}

/** @returns no `rangeEnd` for a single key */
export function rangeBytes(range: KeyRange): { key: Buffer; rangeEnd?: Buffer } {
  if ('key' in range) return { key: Buffer.from(range.key) };
  const key = Buffer.from(range.prefix);
  return { key: key.length === 0 ? Buffer.from([0]) : key, rangeEnd: prefixEnd(key) };
}

/** The first key after every key with this prefix; a zero byte means the end of the key space. */
function prefixEnd(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  for (let at = end.length - 1; at >= 0; at--) {
    const byte = end[at] ?? 0;
    if (byte < 0xff) {
      end[at] = byte + 1;
      return end.subarray(0, at + 1);
    }
  }
  return Buffer.from([0]);
}

export function compareOf(compare: Compare): ICompare {
  const key = Buffer.from(compare.key);
  if ('modRevision' in compare)
    return { result: 'Equal', target: 'Mod', key, mod_revision: String(compare.modRevision) };
  return { result: 'Equal', target: 'Create', key, create_revision: String(compare.createRevision) };
}

export function guardOf(guard: Guard): ICompare {
  if ('exists' in guard)
    return { result: 'Greater', target: 'Create', key: Buffer.from(guard.key), create_revision: '0' };
  const { key, rangeEnd } = rangeBytes(guard);
  return {
    ...{ result: 'Less', target: 'Mod', key, mod_revision: String(guard.unchangedSince + 1) },
    ...(rangeEnd && { range_end: rangeEnd }),
  };
}

export function requestOf(write: Write): IRequestOp {
  const key = Buffer.from(write.key);
  if (write.op === 'delete') return { request_delete_range: { key } };
  return {
    request_put: { key, value: Buffer.from(write.value), ...(write.lease === undefined ? {} : { lease: write.lease }) },
  };
}
