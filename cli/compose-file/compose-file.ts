/** Reads a Compose file as an operator has it, and makes of it one document for each service. */
import { isMap } from '../../lib/yaml/fields';
import { Lines } from '../../lib/yaml/lines';
import { writeYaml } from '../../lib/yaml/text';
import type { Variables } from './interpolate';
import { ComposeFileError, MAX_TROUBLES, type Trouble } from './place';
import { resolveService, type Origin, type Renamed, type ServiceFiles } from './resolve-service';
import { checkNetworks, networkNames } from './networks';
import { checkTopLevel, projectName } from './top-level';
import { checkVolumes, fileVolumes } from './volumes';
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
  checkTopLevel(value, source, [
    ...checkVolumes(value['volumes'], source),
    ...checkNetworks(value['networks'], source),
  ]);
  const project = projectName(input.project, input.folderName, value, source);
  const origins = new Map<string, ReadonlyMap<string, Origin>>();
  const troubles: Trouble[] = [];
  const volumes = fileVolumes(value['volumes'], project);
  const networks = networkNames(value['networks']);
  const renamed = new Map<string, Renamed>();
  const services = Object.entries(value['services'] as object).flatMap(([name, service]) => {
    try {
      const show = (path: readonly (string | number)[], what: string): string =>
        source.show(['services', name, ...path], `${name}: ${what}`);
      const context = { files: input.files, variables, volumes, networks, show, onUnset: note };
      const resolved = resolveService(service as unknown, context);
      origins.set(name, resolved.origins);
      renamed.set(name, resolved.renamed);
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
      if (found !== undefined) return found(what);
      const { around, inner } = placeOf(path, service, renamed.get(service));
      return source.showWithin(around, inner, isKey, what);
    },
  };
}

/** Where in the file stands what a coordinator calls so, of networks and volumes too, which have other names there. */
function placeOf(
  path: string,
  service: string,
  renamed: Renamed | undefined,
): { readonly around: readonly string[]; readonly inner: string } {
  const within = (prefix: string, names: ReadonlyMap<string, string> | undefined): [string, string] | undefined => {
    const found = [...(names ?? [])].find(([name]) => `${path}.`.startsWith(`${prefix}.${name}.`));
    return found && [found[1], path.slice(`${prefix}.${found[0]}`.length).replace(/^\./, '')];
  };
  const volume = within('x-berth.volumes', renamed?.volumes);
  if (volume !== undefined) return { around: ['volumes', volume[0]], inner: volume[1] };
  const network = within('networks', renamed?.networks);
  if (network !== undefined) return { around: ['services', service, 'networks', network[0]], inner: network[1] };
  return { around: ['services', service], inner: path };
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
