/** Pure: the text of a document → its plain value, with the places of its parts, or what of it is not YAML as Berth reads it. */
import { plainValue } from '../../lib/yaml/plain';
import { readTree, type YamlProblem } from '../../lib/yaml/tree';
import { Places } from './places';
import { Problems } from './problems';

/** Also with every alias written out. No service nests deeper than a dozen. */
const MAX_DEPTH = 64;

export interface Parsing {
  readonly problems: Problems;
  /** False when the value is not what the author wrote; the problems say why. */
  readonly isReadable: boolean;
  readonly value: unknown;
}

/** Keys that are there twice are a problem with which the rest can still be read. */
export function parseText(text: string): Parsing {
  const { problems: found, tree } = readTree(text, MAX_DEPTH);
  const problems = new Problems(new Places(text, tree));
  for (const problem of found) problems.addAt('yaml-syntax', problem.offset, describe(problem));
  if (tree === undefined) return { problems, isReadable: false, value: undefined };
  const plain = plainValue(tree);
  if (plain.ok) return { problems, isReadable: true, value: plain.value };
  // Too large is the document as a whole.
  const { kind, offset } = plain.problem;
  problems.addAt('yaml-syntax', kind === 'too-large' ? 0 : offset, describe(plain.problem));
  return { problems, isReadable: false, value: undefined };
}

function describe({ kind, message }: YamlProblem): string {
  if (kind === 'tag') return `${message}; "docker compose config" resolves !reset and !override`;
  return kind === 'second-document' ? `${message}; one service is wanted` : message;
}
