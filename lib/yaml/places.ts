/** Pure: where in its text each part of a plain value stands, also what came there by an alias or a merge key. */
import { isAlias, isMap, isScalar, isSeq, type Node, type YAMLMap } from 'yaml';
import { isMergeKey, keyName, offsetOf } from './node';
import type { YamlTree } from './tree';

/** Keys and indexes, from the root. */
export type Path = readonly (string | number)[];

interface Found {
  readonly key: Node | undefined;
  readonly value: Node | undefined;
}

export class Places {
  constructor(private readonly tree: YamlTree) {}

  /** Offset of the value at the path; where there is none, of the nearest thing around it. */
  ofValue(path: Path): number {
    const { key, value } = this.walk(path);
    return offsetOf(value ?? key);
  }

  /** Offset of the key at the path rather than its value. */
  ofKey(path: Path): number {
    const { key, value } = this.walk(path);
    return offsetOf(key ?? value);
  }

  private walk(path: Path): Found {
    let found: Found = { key: undefined, value: this.tree.root ?? undefined };
    for (const part of path) {
      const inner = this.child(found.value, part);
      if (inner === undefined) return found;
      found = inner;
    }
    return found;
  }

  private child(node: Node | undefined, part: string | number): Found | undefined {
    const target = this.target(node);
    if (isMap(target)) return this.entry(target, String(part), new Set());
    const value = isSeq(target) ? (target.items[Number(part)] as Node | undefined) : undefined;
    return value === undefined ? undefined : { key: undefined, value };
  }

  /** @param searched maps that need no second look: nested merge keys come to the same map very often */
  private entry(map: YAMLMap, name: string, searched: Set<YAMLMap>): Found | undefined {
    if (searched.has(map)) return undefined;
    searched.add(map);
    const own = map.items.findLast(({ key }) => isScalar(key) && !isMergeKey(key) && keyName(key) === name);
    if (own !== undefined) return { key: own.key as Node, value: (own.value as Node | null) ?? undefined };
    for (const merged of this.merged(map)) {
      const found = this.entry(merged, name, searched);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  private merged(map: YAMLMap): readonly YAMLMap[] {
    return map.items
      .filter(({ key }) => isMergeKey(key))
      .flatMap(({ value }) => (isSeq(value) ? value.items : [value]))
      .map((value) => this.target(value as Node))
      .filter(isMap);
  }

  private target(node: Node | undefined): Node | undefined {
    return isAlias(node) ? this.tree.targets.get(node) : node;
  }
}
