/** Pure: names of images, by the grammar of distribution/reference and with Docker's defaults. */

const NAME = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const DOMAIN = String.raw`(?:${NAME}(?:\.${NAME})*|\[[0-9a-fA-F:]+\])(?::\d+)?`;
const PART = String.raw`[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`;
const PATH = String.raw`${PART}(?:/${PART})*`;
const TAG = String.raw`[\w][\w.-]{0,127}`;
const DIGEST = 'sha256:[0-9a-f]{64}';
const IMAGE = new RegExp(`^((?:${DOMAIN}/)?${PATH})(?::(${TAG}))?(?:@(${DIGEST}))?$`);
const WHOLE_DIGEST = new RegExp(`^${DIGEST}$`);
const REGISTRY = new RegExp(`^${DOMAIN}$`);
const REPOSITORY = new RegExp(`^${PATH}$`);
/** Registry, 255 characters of a name, a tag and a digest; also bounds what the expression backtracks. */
const MAX_CHARACTERS = 700;

const DOCKER_HUB = 'docker.io';
/** Of an older Docker, for the same. */
const DOCKER_HUB_ALIAS = 'index.docker.io';

export interface ImageReference {
  /** "host" or "host:port"; docker.io when the name has none. */
  readonly registry: string;
  /** Within the registry; an official image of Docker Hub has its "library/". */
  readonly repository: string;
  /** Empty when there is none; `latest` when there is no digest either. */
  readonly tag: string;
  /** "sha256:…"; empty when there is none. */
  readonly digest: string;
}

export function isDigest(text: string): boolean {
  return WHOLE_DIGEST.test(text);
}

/** "registry/name:tag@sha256:…", each part but the name optional. @returns undefined when it is no reference */
export function parseImageReference(text: string): ImageReference | undefined {
  const match = text.length <= MAX_CHARACTERS ? IMAGE.exec(text) : null;
  if (match === null) return undefined;
  const [, name = '', tag = '', digest = ''] = match;
  return { ...splitName(name), tag: tag === '' && digest === '' ? 'latest' : tag, digest };
}

/** "host", "host:port" or, with a path before each of its repositories, "host:port/path". */
export interface RegistryPlace {
  readonly registry: string;
  /** Empty when there is none. */
  readonly path: string;
}

/** @returns undefined when it is no place of a registry */
export function parseRegistryPlace(text: string): RegistryPlace | undefined {
  const slash = text.indexOf('/');
  const [registry, path] = slash < 0 ? [text, ''] : [text.slice(0, slash), text.slice(slash + 1)];
  if (text.length > MAX_CHARACTERS || !REGISTRY.test(registry) || !isRegistry(registry)) return undefined;
  if (slash >= 0 && !REPOSITORY.test(path)) return undefined;
  return { registry: canonical(registry), path };
}

/** In full, as Docker takes it. A digest says it all: the tag beside it is left out. */
export function formatImageReference({ registry, repository, tag, digest }: ImageReference): string {
  return `${registry}/${repository}${digest === '' ? `:${tag}` : `@${digest}`}`;
}

function splitName(name: string): Pick<ImageReference, 'registry' | 'repository'> {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(0, slash));
  const isNamed = slash > 0 && isRegistry(first);
  const registry = isNamed ? canonical(first) : DOCKER_HUB;
  const repository = isNamed ? name.slice(slash + 1) : name;
  return {
    registry,
    repository: registry === DOCKER_HUB && !repository.includes('/') ? `library/${repository}` : repository,
  };
}

/** What comes first is a registry only when it looks like one; else it is a part of a name on Docker Hub. */
function isRegistry(first: string): boolean {
  return /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
}

function canonical(registry: string): string {
  return registry === DOCKER_HUB_ALIAS ? DOCKER_HUB : registry;
}
