/**
 * Credentials for a registry from the host's Docker configuration, found as `docker pull` on the host would find them.
 * Read anew every time, so that what was rotated counts at once. Format: docker/cli, cli/config/configfile.
 */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../../lib/clock';
import { UNPRINTABLE } from '../../../lib/unprintable';
import { askHelper, LoginProblem } from './registry-credential-program';

const MAX_CONFIG_BYTES = 1024 * 1024;
/** Of a user, in messages. */
const MAX_NAME_CHARACTERS = 100;
/** As `docker login` names Docker Hub in the file and to helpers. */
const DOCKER_HUB_KEY = 'https://index.docker.io/v1/';
const DOCKER_HUB_HOSTS = ['docker.io', 'index.docker.io'];
/** Of a helper, in place of a user: the secret is a token to get others with. */
const TOKEN_USER = '<token>';

/** What Docker takes as X-Registry-Auth. */
export interface RegistryAuth {
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
  readonly serveraddress: string;
}

export interface RegistryLogin {
  /** Undefined when there is none to send. */
  readonly auth: RegistryAuth | undefined;
  /** For people: whose credentials, and from where; or why there are none. Never a secret. */
  readonly described: string;
  /** What to do on the host when the registry does not take them. */
  readonly remedy: string;
  /** Why credentials that should be there could not be read. */
  readonly problem?: string;
}

export interface LoginRequest {
  /** Folder of config.json */
  readonly folder: string;
  /** As an image reference names it: docker.io, registry.example.com:5000 */
  readonly registry: string;
  readonly clock: Clock;
  /** Ends a helper that is being asked. */
  readonly signal: AbortSignal;
}

/** Never fails: without credentials there may be an image all the same. */
export async function readLogin(request: LoginRequest): Promise<RegistryLogin> {
  const { folder, registry } = request;
  const remedy = `docker --config ${folder} login${registry === 'docker.io' ? '' : ` ${registry}`}`;
  try {
    return { remedy, ...(await findLogin(request, join(folder, 'config.json'))) };
  } catch (error) {
    if (!(error instanceof LoginProblem)) throw error;
    return { auth: undefined, described: `no credentials, since ${error.message}`, problem: error.message, remedy };
  }
}

type Found = Omit<RegistryLogin, 'remedy'> & Partial<RegistryLogin>;

async function findLogin({ registry, clock, signal }: LoginRequest, path: string): Promise<Found> {
  const text = await readConfig(path);
  if (text === undefined) return { auth: undefined, described: `no credentials: there is no ${path}` };
  const config = parseConfig(text, path);
  const server = DOCKER_HUB_HOSTS.includes(registry) ? DOCKER_HUB_KEY : registry;
  const helper = lookUp(mapOf(config['credHelpers'], 'credHelpers', path), registry) ?? config['credsStore'] ?? '';
  if (typeof helper !== 'string') throw new LoginProblem(`the credential helper in ${path} is no text`);
  if (helper === '') {
    const auth = readEntry(lookUp(mapOf(config['auths'], 'auths', path), registry), server, path);
    if (auth === undefined) return { auth, described: `no credentials: ${path} has none for it` };
    return { auth, described: describe(auth, `in ${path}`) };
  }
  const answer = await askHelper(helper, server, clock, signal);
  const program = `docker-credential-${helper}`;
  if (answer === undefined) return { auth: undefined, described: `no credentials: ${program} has none for it` };
  const { username, secret } = answer;
  const given = username === TOKEN_USER ? { identitytoken: secret } : { username, password: secret };
  const auth: RegistryAuth = { ...given, serveraddress: server };
  return {
    auth,
    described: describe(auth, `from ${program}`),
    remedy: `see to ${program}: echo ${server} | ${program} get`,
  };
}

async function readConfig(path: string): Promise<string | undefined> {
  try {
    if ((await stat(path)).size > MAX_CONFIG_BYTES) throw new LoginProblem(`${path} is too large`);
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof LoginProblem) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new LoginProblem(`${path} can't be read (${code})`);
  }
}

type Fields = Readonly<Record<string, unknown>>;

function parseConfig(text: string, path: string): Fields {
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch {
    // The parser's own words quote the file, and so its secrets.
    throw new LoginProblem(`${path} is no JSON`);
  }
  if (!isMap(config)) throw new LoginProblem(`${path} is no JSON object`);
  return config;
}

function isMap(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function mapOf(value: unknown, name: string, path: string): Fields {
  if (value === undefined || value === null) return {};
  if (!isMap(value)) throw new LoginProblem(`"${name}" in ${path} is no JSON object`);
  return value;
}

/** By the name of the registry, or any URL of it: older versions of Docker wrote those. */
function lookUp(map: Fields, registry: string): unknown {
  const hosts = DOCKER_HUB_HOSTS.includes(registry) ? DOCKER_HUB_HOSTS : [registry];
  const hostOf = (key: string): string => key.replace(/^https?:\/\//, '').split('/')[0]!;
  const keys = Object.keys(map).filter((key) => hosts.includes(hostOf(key)));
  const key = keys.find((each) => each === registry || each === DOCKER_HUB_KEY) ?? keys[0];
  return key === undefined ? undefined : map[key];
}

function readEntry(entry: unknown, server: string, path: string): RegistryAuth | undefined {
  const where = `the entry for ${server} in ${path}`;
  if (entry === undefined) return undefined;
  if (!isMap(entry)) throw new LoginProblem(`${where} is no JSON object`);
  const field = (name: string): string => {
    const value = entry[name] ?? '';
    if (typeof value !== 'string') throw new LoginProblem(`"${name}" in ${where} is no text`);
    return value;
  };
  const [identitytoken, registrytoken] = [field('identitytoken'), field('registrytoken')];
  const basic = field('auth');
  const pair = basic === '' ? { username: field('username'), password: field('password') } : decodeBasic(basic);
  if (pair === undefined) throw new LoginProblem(`"auth" in ${where} is no base64 of user:password`);
  if (pair.username === '' && identitytoken === '' && registrytoken === '') return undefined;
  return {
    ...(pair.username !== '' && pair),
    ...(identitytoken !== '' && { identitytoken }),
    ...(registrytoken !== '' && { registrytoken }),
    serveraddress: server,
  };
}

function decodeBasic(text: string): { readonly username: string; readonly password: string } | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  const decoded = Buffer.from(text, 'base64').toString();
  const colon = decoded.indexOf(':');
  if (colon <= 0) return undefined;
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1).replace(/\0+$/, '') };
}

function describe({ username, identitytoken, registrytoken }: RegistryAuth, from: string): string {
  const isToken = identitytoken !== undefined || registrytoken !== undefined;
  if (username === undefined) return `the token ${from}`;
  const who = username.replace(UNPRINTABLE, ' ').slice(0, MAX_NAME_CHARACTERS);
  return `the ${isToken ? 'token' : 'credentials'} of "${who}" ${from}`;
}
