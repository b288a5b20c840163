/** Reads a Compose file as an operator has it, and makes of it one document for each service. */
import { isMap, LineCounter, parseDocument, stringify, visit, type Document } from 'yaml';
import { nearestName } from '../../lib/nearest';
import { InterpolationError, interpolate, type Variables } from './interpolate';
import { ComposeFileError, Source } from './place';
import { resolveService, type ServiceFiles } from './resolve-service';

export interface ComposeFile {
  readonly project: string;
  readonly services: readonly { readonly name: string; readonly document: string }[];
  readonly warnings: readonly string[];
  readonly source: Source;
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

const MAX_ALIASES = 1000;
const TOP_KEYS = ['services', 'name', 'version', 'volumes', 'networks', 'configs', 'secrets', 'include', 'models'];

/** @throws ComposeFileError with everything that is wrong */
export function readComposeFile(input: ComposeInput): ComposeFile {
  const lines = new LineCounter();
  const document = parseDocument(input.text, { lineCounter: lines, merge: true, prettyErrors: false });
  const source = new Source(input.name, input.text, document, lines);
  if (document.errors.length > 0)
    throw new ComposeFileError(
      document.errors.map((error) => source.showAt(error.pos[0], `not YAML: ${error.message} [yaml-syntax]`)),
    );
  if (!isMap(document.contents))
    throw new ComposeFileError([`${input.name}: no Compose file; a map with "services:" is wanted`]);
  const warnings = interpolateDocument(document, input.variables, source);
  const content = document.toJS({ maxAliasCount: MAX_ALIASES }) as Record<string, unknown>;
  checkTop(content, source);
  const project = projectName(input, content, source);
  const troubles: string[] = [];
  const services = Object.entries(content['services'] as object).flatMap(([name, service]) => {
    try {
      const resolved = resolveService(service as unknown, input.files, input.variables);
      return [{ name, document: stringify(withProject(resolved, project)) }];
    } catch (error) {
      troubles.push(source.show(['services', name], `${name}: ${(error as Error).message}`));
      return [];
    }
  });
  if (troubles.length > 0) throw new ComposeFileError(troubles);
  return { project, services, warnings, source };
}

/** In the tree and never in the text: no value can change the structure. Keys are left as they are. */
function interpolateDocument(document: Document, variables: Variables, source: Source): readonly string[] {
  const unset = new Set<string>();
  const troubles: string[] = [];
  visit(document, {
    Scalar(key, node) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('$')) return;
      try {
        node.value = interpolate(node.value, variables, (name) => unset.add(name));
      } catch (error) {
        if (!(error instanceof InterpolationError)) throw error;
        troubles.push(source.showAt(node.range?.[0] ?? 0, error.message));
      }
    },
  });
  if (troubles.length > 0) throw new ComposeFileError(troubles);
  return [...unset].map((name) => `the variable ${name} is not set; it counts as empty`);
}

function checkTop(content: Record<string, unknown>, source: Source): void {
  const troubles: string[] = [];
  const refuse = (key: string, what: string): void => void troubles.push(source.show([key], what));
  for (const key of Object.keys(content)) {
    if (key.startsWith('x-') || ['services', 'name', 'version', 'volumes', 'networks'].includes(key)) continue;
    const nearest = nearestName(key, TOP_KEYS);
    if (!TOP_KEYS.includes(key))
      refuse(
        key,
        `no such key "${key}"; ${nearest === undefined ? `there are ${TOP_KEYS.join(', ')}` : `did you mean "${nearest}"?`} [unknown-key]`,
      );
    else if (key === 'include')
      refuse(key, 'include is not supported; "docker compose config | berth apply -f -" resolves it [unsupported-key]');
    else if (content[key] !== null && Object.keys(content[key] as object).length > 0)
      refuse(key, `${key} are not supported yet; mount a file of the host as a volume [unsupported-key]`);
  }
  for (const [name, volume] of Object.entries((content['volumes'] ?? {}) as Record<string, unknown>)) {
    const said = Object.entries(volume ?? {}).filter(
      ([key, value]) => !(key === 'name' && typeof value === 'string') && !key.startsWith('x-'),
    );
    if (said.length > 0)
      troubles.push(
        source.show(
          ['volumes', name, said[0]![0]],
          `settings of volumes are not supported yet; create the volume on its host and name it [unsupported-key]`,
        ),
      );
  }
  for (const name of Object.keys(content['networks'] ?? {}))
    if (name !== 'default')
      troubles.push(
        source.show(
          ['networks', name],
          'networks are not supported yet; containers are on Docker’s bridge [unsupported-key]',
        ),
      );
  const { services } = content;
  if (
    typeof services !== 'object' ||
    services === null ||
    Array.isArray(services) ||
    Object.keys(services).length === 0
  )
    troubles.push(
      source.show(['services'], 'there is no service; write "services:" with one service at least [missing-key]'),
    );
  if (troubles.length > 0) throw new ComposeFileError(troubles);
}

/** Compose's own rule for names of projects. */
function projectName({ project, folderName }: ComposeInput, content: Record<string, unknown>, source: Source): string {
  const given = project ?? (typeof content['name'] === 'string' ? content['name'] : undefined);
  if (given === undefined)
    return (
      folderName
        .toLowerCase()
        .replace(/[^a-z0-9_-]/g, '')
        .replace(/^[_-]+/, '') || 'default'
    );
  if (/^[a-z0-9][a-z0-9_-]*$/.test(given)) return given;
  throw new ComposeFileError([
    source.show(
      ['name'],
      `"${given}" is no name of a project; use a-z, 0-9, "_" and "-", beginning with a letter or digit [bad-name]`,
    ),
  ]);
}

function withProject(service: unknown, project: string): unknown {
  if (typeof service !== 'object' || service === null || Array.isArray(service)) return service;
  const own = (service as Record<string, unknown>)['x-berth'];
  return { ...service, 'x-berth': { ...(own as object | undefined), project } };
}
