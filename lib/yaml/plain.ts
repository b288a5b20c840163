/** Pure: a tree of YAML → its plain value, as yaml's own toJS(), which looks for each alias through the whole document. */
import { isAlias, isMap, isNode, isPair, isScalar, isSeq, type Node, type YAMLMap } from 'yaml';
import { isMergeKey, keyName, offsetOf } from './node';
import { tooDeep, type YamlProblem, type YamlTree } from './tree';

/**
 * Characters and 16 for each part, with every alias written out: a few nested ones could fill the memory. 256 KiB
 * without aliases, the most that a coordinator takes of a service, have at most half of it.
 */
export const MAX_EXPANDED = 16 * 1024 * 1024;
const SIZE_OF_PART = 16;

export type Plain =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly problem: YamlProblem };

/** Where several aliases stand for one thing, their values are one object: they are not to be changed. */
export function plainValue(tree: YamlTree): Plain {
  const problem = new Measuring(tree).run();
  return problem === undefined ? { ok: true, value: write(tree) } : { ok: false, problem };
}

function write({ root, targets }: YamlTree): unknown {
  const known = new Map<Node, unknown>();
  const plain = (node: unknown): unknown => {
    const meant = isAlias(node) ? targets.get(node)! : node;
    // A merge key that has an anchor is text to its aliases.
    if (isScalar(meant)) return typeof meant.value === 'symbol' ? '<<' : meant.value;
    if (isAlias(node)) return known.get(meant as Node);
    if (!isMap(meant) && !isSeq(meant)) return null;
    const value = isMap(meant) ? plainMap(meant) : meant.items.map(plain);
    if (meant.anchor !== undefined) known.set(meant, value);
    return value;
  };
  const plainMap = (map: YAMLMap): unknown => {
    const entries = new Map<string, unknown>();
    for (const { key, value } of map.items)
      if (!isMergeKey(key)) entries.set(isScalar(key) ? keyName(key) : '', plain(value));
      else
        for (const merged of isSeq(value) ? value.items : [value])
          for (const [name, inner] of Object.entries(plain(merged) as object))
            if (!entries.has(name)) entries.set(name, inner);
    return Object.fromEntries(entries);
  };
  return plain(root);
}

interface Measure {
  readonly size: number;
  readonly depth: number;
}

/** Before aliases are written out. */
class Measuring {
  private readonly known = new Map<Node, Measure>();
  private problem: YamlProblem | undefined;

  constructor(private readonly tree: YamlTree) {}

  run(): YamlProblem | undefined {
    this.measure(this.tree.root);
    return this.problem;
  }

  private measure(node: unknown): Measure {
    if (isAlias(node)) return this.known.get(this.tree.targets.get(node)!)!;
    let [size, depth] = [SIZE_OF_PART + (isScalar(node) && typeof node.value === 'string' ? node.value.length : 0), 0];
    for (const part of partsOf(node)) {
      if (this.problem !== undefined) break;
      const inner = this.measure(part);
      size += inner.size;
      depth = Math.max(depth, inner.depth);
    }
    const measured = { size, depth: depth + 1 };
    if (!isNode(node)) return measured;
    this.judge(node, measured);
    if (node.anchor !== undefined) this.known.set(node, measured);
    return measured;
  }

  private judge(node: Node, { size, depth }: Measure): void {
    const message = 'written out, with its aliases, this is too large';
    if (size > MAX_EXPANDED) this.problem ??= { kind: 'too-large', offset: offsetOf(node), message };
    if (depth > this.tree.maxDepth) this.problem ??= tooDeep(offsetOf(node));
  }
}

function partsOf(node: unknown): readonly unknown[] {
  if (isPair(node)) return [node.key, node.value];
  return isMap(node) || isSeq(node) ? (node.items as unknown[]) : [];
}
