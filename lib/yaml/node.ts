/** Pure: what yaml's nodes are to Berth. */
import { isScalar, type Alias, type Node, type Scalar } from 'yaml';

/** What each alias stands for: never something that holds the alias, or comes after it. */
export type Targets = ReadonlyMap<Alias, Node>;

/** A key as it will be in the plain value: numbers as written, nothing as empty text. */
export function keyName({ value, source }: Scalar<unknown>): string {
  if (typeof value === 'number') return source ?? String(value);
  return typeof value === 'string' ? value : typeof value === 'boolean' ? String(value) : '';
}

/** The unquoted key <<, which yaml gives a symbol as its value. */
export function isMergeKey(key: unknown): key is Scalar<symbol> {
  return isScalar(key) && typeof key.value === 'symbol';
}

/** Where it begins in its text, in UTF-16 units. */
export function offsetOf(node: Node | null | undefined): number {
  return node?.range?.[0] ?? 0;
}
