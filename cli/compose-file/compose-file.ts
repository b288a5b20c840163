/** Reads a Compose file as an operator has it, and makes of it one document for each service. */
import { isMap } from '../../lib/yaml/fields';
import { Lines } from '../../lib/yaml/lines';
import { writeYaml } from '../../lib/yaml/text';
import type { Variables } from './interpolate';
import { ComposeFileError, MAX_TROUBLES, type Trouble } from './place';
import { resolveService, type Origin, type ServiceFiles } from './resolve-service';
import { checkTopLevel, projectName, volumeNames } from './top-level';
import { readYaml } from './yaml-file';

export interface ComposeFile {
  readonly project: string;
  readonly services: readonly { readonly name: string; readonly document: string }[];
  readonly warnings: readonly string[];
  /**
   * What a coordinator finds wrong with a service, where its author wrote it.
   * @param path as coordinators write it: "ports[0].published"; empty for the whole service
   * @param isKey whether the key there is wrong rather than its value
   */
  readonly show: (service: string, path: string, isKey: boolean, what: string) => string;
}

export interface ComposeInput {
  /** For messages: "compose.yaml", or "standard input". */
  readonly name: string;
  readonly text: string;
  readonly variables: Variables;
  /** Project name that was asked for; wins over the file's own. */
  readonly project?: string;
  /** Project name when neither says one: the folder's. */
  readonly folderName: string;
  readonly files: ServiceFiles;
}

const PROJECT_VARIABLE = 'COMPOSE_PROJECT_NAME';

/** @throws ComposeFileError with everything that is wrong, and nothing else */
export function readComposeFile(input: ComposeInput): ComposeFile {
  const unset = new Map<string, () => string>();
  const note = (name: string, where: () => string): void => void (unset.has(name) || unset.set(name, where));
  const variables = withProjectName(input);
  const { value, source } = readYaml(input, variables, (name, offset) =>
    note(name, () => `${input.name}:${new Lines(input.text).at(offset).line}`),
  );
  if (!isMap(value))
    throw new ComposeFileError([
      () =>
        `${input.name}: ${value === null || value === undefined ? 'it is empty' : 'this is no Compose file'}; a map with "services:" is wanted`,
    ]);
  checkTopLevel(value, source);
  const project = projectName(input.project, input.folderName, value, source);
  const origins = new Map<string, ReadonlyMap<string, Origin>>();
  const troubles: Trouble[] = [];
  const volumes = volumeNames(value['volumes'], project);
  const services = Object.entries(value['services'] as object).flatMap(([name, service]) => {
    try {
      const show = (path: readonly (string | number)[], what: string): string =>
        source.show(['services', name, ...path], `${name}: ${what}`);
      const context = { files: input.files, variables, volumes, show, onUnset: note };
      const resolved = resolveService(service as unknown, context);
      origins.set(name, resolved.origins);
      return [{ name, document: writeYaml(withProject(resolved.service, project)) }];
    } catch (error) {
      if (!(error instanceof ComposeFileError)) throw error;
      // Not spread: very many arguments are more than the stack holds.
      for (const trouble of error.troubles) troubles.push(trouble);
      return [];
    }
  });
  if (troubles.length > 0) throw new ComposeFileError(troubles);
  return {
    project,
    services,
    warnings: describeUnset(unset),
    show: (service, path, isKey, what) => {
      if (path === '') return source.showKey(['services', service], what);
      const origin = /^environment\.(.*)$/s.exec(path)?.[1];
      const found = origin === undefined ? undefined : origins.get(service)?.get(origin);
      return found?.(what) ?? source.showWithin(['services', service], path, isKey, what);
    },
  };
}

function describeUnset(unset: ReadonlyMap<string, () => string>): readonly string[] {
  const first = [...unset].slice(0, MAX_TROUBLES);
  const more = unset.size - first.length;
  return [
    ...first.map(([name, where]) => `${where()}: the variable ${name} is not set; it counts as empty`),
    ...(more > 0 ? [`${more} more variables are not set`] : []),
  ];
}

/** Files may use it, as in Compose: it is what was asked for, or the folder's; the file's own name comes too late. */
function withProjectName({ variables, project }: ComposeInput): Variables {
  return { get: (name) => (name === PROJECT_VARIABLE ? (project ?? variables.get(name)) : variables.get(name)) };
}

function withProject(service: unknown, project: string): unknown {
  if (!isMap(service)) return service;
  const own = service['x-berth'];
  return own === undefined || own === null || isMap(own) ? { ...service, 'x-berth': { ...own, project } } : service;
}
