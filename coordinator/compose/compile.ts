/** Pure: one Compose service as an operator wrote it → what a release is made of, or everything that is wrong with it. */
import { LineCounter, parseDocument } from 'yaml';
import type { ContainerSpec, DeploySpec, Problem } from '../../lib/documents/types';
import { DNS_LABEL_RULE, isDnsLabel } from '../../lib/names';
import { readContainer } from './container';
import { readDeploy } from './deploy';
import { SERVICE_KEYS } from './keys';
import { Problems } from './problems';
import { isMap, Reader } from './read';

/** Far over any service that a person wrote, and under what etcd takes in one request. */
export const MAX_DOCUMENT_BYTES = 256 * 1024;
/** Aliases that are expanded: a few nested ones could otherwise fill the memory. */
const MAX_ALIASES = 100;

export type Compiled =
  | { readonly ok: true; readonly container: ContainerSpec; readonly deploy: DeploySpec }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** @param text JSON or YAML of one service of a Compose file, without its name */
export function compileService(name: string, text: string): Compiled {
  const lines = new LineCounter();
  if (Buffer.byteLength(text) > MAX_DOCUMENT_BYTES) {
    const problems = new Problems(undefined, lines);
    problems.addAt(
      'too-large',
      1,
      1,
      `the document has ${Buffer.byteLength(text)} bytes; ${MAX_DOCUMENT_BYTES} are the limit. Mount large files instead of writing them out`,
    );
    return { ok: false, problems: problems.sorted };
  }
  const document = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false });
  const problems = new Problems(document, lines);
  if (!isDnsLabel(name))
    problems.addAt('bad-name', 1, 1, `"${name}" can not be the name of a service; a name is ${DNS_LABEL_RULE}`);
  for (const error of document.errors) {
    const { line, col } = lines.linePos(error.pos[0]);
    problems.addAt('yaml-syntax', line, col, `not YAML: ${error.message}`);
  }
  if (document.errors.length > 0) return { ok: false, problems: problems.sorted };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    problems.addAt('yaml-syntax', 1, 1, `the aliases can not be expanded: ${(error as Error).message}`);
    return { ok: false, problems: problems.sorted };
  }
  return compileValue(value, problems);
}

function compileValue(value: unknown, problems: Problems): Compiled {
  const service = new Reader(problems, withoutEmptyNetworks(value), []);
  if (!isMap(value)) {
    const hint = value === null || value === undefined ? 'the document is empty' : 'a map is wanted';
    problems.add('wrong-type', [], `${hint}: write the keys of one Compose service, e.g. "image: nginx:1.27"`);
    return { ok: false, problems: problems.sorted };
  }
  service.fields(SERVICE_KEYS);
  const container = readContainer(service);
  const deploy = readDeploy(service, container.limits);
  return !problems.isEmpty ? { ok: false, problems: problems.sorted } : { ok: true, container, deploy };
}

/** `docker compose config` writes out the default network, which says nothing. */
function withoutEmptyNetworks(value: unknown): unknown {
  if (!isMap(value) || !isMap(value['networks'])) return value;
  const { networks, ...rest } = value;
  const names = Object.entries(networks as object);
  return names.length === 1 && names[0]![0] === 'default' && names[0]![1] === null ? rest : value;
}
