/** Pure: one Compose service as an operator wrote it → what a release is made of, or everything that is wrong with it. */
import type { ContainerSpec, DeploySpec, Problem } from '../../lib/documents/types';
import { DNS_LABEL_RULE, isDnsLabel } from '../../lib/names';
import { isMap } from '../../lib/yaml/fields';
import { readContainer } from './container';
import { readDeploy } from './deploy';
import { SERVICE_KEYS } from './keys';
import { parseText } from './parse';
import { Places } from './places';
import { Problems } from './problems';
import { Reader } from './read';
import { ConfigUses, readLabels, type ConfigUse } from './templates';

/** Far over any service that a person wrote, and under what etcd takes in one request. */
export const MAX_DOCUMENT_BYTES = 256 * 1024;

export type Compiled =
  | {
      readonly ok: true;
      readonly container: ContainerSpec;
      readonly deploy: DeploySpec;
      /** Where it takes keys of config by name. */
      readonly uses: readonly ConfigUse[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Never throws, whatever the text, and takes about a second for the worst of them: a leader calls it.
 * @param text JSON or YAML of one service of a Compose file, without its name
 */
export function compileService(name: string, text: string): Compiled {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_DOCUMENT_BYTES) {
    const problems = new Problems(new Places(''));
    problems.add(
      'too-large',
      [],
      `the document has ${bytes} bytes; ${MAX_DOCUMENT_BYTES} are the limit. Mount large files instead of writing them out`,
    );
    return { ok: false, problems: problems.sorted };
  }
  const { problems, isReadable, value } = parseText(text);
  if (!isDnsLabel(name))
    problems.addAt('bad-name', 0, `"${name}" can not be the name of a service; a name is ${DNS_LABEL_RULE}`);
  return isReadable ? compileValue(name, value, problems) : { ok: false, problems: problems.sorted };
}

function compileValue(name: string, value: unknown, problems: Problems): Compiled {
  if (!isMap(value)) {
    const hint = value === null || value === undefined ? 'the document is empty' : 'a map is wanted';
    problems.add('wrong-type', [], `${hint}: write the keys of one Compose service, e.g. "image: nginx:1.27"`);
    return { ok: false, problems: problems.sorted };
  }
  const service = new Reader(problems, value, []);
  service.fields(SERVICE_KEYS);
  const uses = new ConfigUses(problems);
  const { labels, templates } = readLabels(service, uses);
  const container = readContainer(service, { labels, templates });
  const deploy = readDeploy(service, container, name, templates);
  return problems.isEmpty
    ? { ok: true, container, deploy, uses: uses.sorted }
    : { ok: false, problems: problems.sorted };
}
