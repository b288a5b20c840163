/** Where in its text each part of a document stands, also what came there by an alias or a merge key. */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Alias,
  type LineCounter,
  type Node,
  type Scalar,
  type YAMLMap,
} from 'yaml';

export type Path = readonly (string | number)[];

/** Both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

interface Found {
  readonly key: Node | undefined;
  readonly value: Node | undefined;
}

export class Places {
  /**
   * @param root undefined for a text that is no document: then everything stands at its beginning
   * @param targets what each alias stands for; no alias may stand for something that holds it
   */
  constructor(
    private readonly lines: LineCounter,
    private readonly root?: Node,
    private readonly targets: ReadonlyMap<Alias, Node> = new Map(),
  ) {}

  at(offset: number): Place {
    const { line, col } = this.lines.linePos(offset);
    return line > 0 ? { line, column: col } : { line: 1, column: 1 };
  }

  /** Of the value at the path; where there is none, of the nearest thing around it. */
  ofValue(path: Path): Place {
    const found = this.walk(path);
    return this.atNode(found.value ?? found.key);
  }

  /** Of the key at the path rather than its value. */
  ofKey(path: Path): Place {
    const found = this.walk(path);
    return this.atNode(found.key ?? found.value);
  }

  private atNode(node: Node | undefined): Place {
    return node?.range ? this.at(node.range[0]) : { line: 1, column: 1 };
  }

  private walk(path: Path): Found {
    let found: Found = { key: undefined, value: this.root };
    for (const part of path) {
      const inner = this.child(found.value, part);
      if (inner === undefined) return found;
      found = inner;
    }
    return found;
  }

  private child(node: Node | undefined, part: string | number): Found | undefined {
    const target = node !== undefined && isAlias(node) ? this.targets.get(node) : node;
    if (isSeq(target)) {
      const value = target.items[Number(part)] as Node | undefined;
      return value === undefined ? undefined : { key: undefined, value };
    }
    return isMap(target) ? this.entry(target, String(part)) : undefined;
  }

  private entry(map: YAMLMap, name: string): Found | undefined {
    const pair = map.items.findLast(({ key }) => isScalar(key) && !isMergeKey(key) && keyName(key) === name);
    if (pair !== undefined) return { key: pair.key as Node, value: (pair.value as Node | null) ?? undefined };
    for (const { key, value } of map.items) {
      if (!isMergeKey(key)) continue;
      for (const source of isSeq(value) ? (value.items as Node[]) : [value as Node]) {
        const merged = this.child(source, name);
        if (merged !== undefined) return merged;
      }
    }
    return undefined;
  }
}

/** The key as it will be in the plain value. */
export function keyName({ value, source }: Scalar<unknown>): string {
  if (typeof value === 'number') return source ?? String(value);
  return typeof value === 'string' ? value : typeof value === 'boolean' ? String(value) : '';
}

/** The unquoted key <<, which yaml gives a symbol as its value. */
export function isMergeKey(key: unknown): boolean {
  return isScalar(key) && typeof key.value === 'symbol';
}
