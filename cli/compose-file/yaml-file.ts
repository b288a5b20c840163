/** The text of a Compose file → its plain value with the variables filled in, or everything that is not YAML as Berth reads it. */
import { Places } from '../../lib/yaml/places';
import { MAX_EXPANDED, plainValue } from '../../lib/yaml/plain';
import { readTree, replaceTexts, type YamlProblem, type YamlTree } from '../../lib/yaml/tree';
import { interpolate, InterpolationError, type Variables } from './interpolate';
import { ComposeFileError, showPlace, Source, type NamedText, type Trouble } from './place';

/** As the coordinator has it for one service, and a few levels for the file around it. */
const MAX_DEPTH = 80;
const BY_COMPOSE = '"docker compose config | berth apply -f -"';

export interface YamlFile {
  readonly value: unknown;
  readonly source: Source;
}

/**
 * @param onUnset called for each variable that has neither a value nor a default, with where it stands
 * @throws ComposeFileError and nothing else, whatever the text
 */
export function readYaml(
  file: NamedText,
  variables: Variables,
  onUnset: (name: string, offset: number) => void,
): YamlFile {
  const { tree, problems } = readTree(file.text, MAX_DEPTH);
  if (tree === undefined || problems.length > 0) throw refusal(file, problems);
  fillIn(tree, file, variables, onUnset);
  const plain = plainValue(tree);
  if (!plain.ok) throw refusal(file, [plain.problem]);
  return { value: plain.value, source: new Source(file, plain.value, new Places(tree)) };
}

function refusal(file: NamedText, problems: readonly YamlProblem[]): ComposeFileError {
  return new ComposeFileError(problems.map((problem) => () => showPlace(file, problem.offset, describe(problem))));
}

function describe({ kind, message }: YamlProblem): string {
  if (kind === 'too-large')
    return 'written out, with its aliases and variables, this is too large for any cluster [too-large]';
  if (kind === 'tag') return `${message}; ${BY_COMPOSE} resolves !reset and !override [yaml-syntax]`;
  if (kind === 'second-document') return `${message}; ${BY_COMPOSE} merges several [yaml-syntax]`;
  return `${message} [yaml-syntax]`;
}

/** Of values, never of keys. */
function fillIn(
  tree: YamlTree,
  file: NamedText,
  variables: Variables,
  onUnset: (name: string, offset: number) => void,
): void {
  const troubles: Trouble[] = [];
  let size = 0;
  replaceTexts(tree, (text, offset) => {
    if (!text.includes('$')) return text;
    try {
      const filled = interpolate(text, variables, (name) => onUnset(name, offset));
      size += filled.length;
      if (size > MAX_EXPANDED) throw refusal(file, [{ kind: 'too-large', offset, message: '' }]);
      return filled;
    } catch (error) {
      if (!(error instanceof InterpolationError)) throw error;
      troubles.push(() => showPlace(file, offset, `${error.message} [interpolation]`));
      return text;
    }
  });
  if (troubles.length > 0) throw new ComposeFileError(troubles);
}
