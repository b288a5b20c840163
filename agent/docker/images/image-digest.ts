/** Asks registries what an image's name means now: through Docker, from the places and with the credentials of pulls. */
import type Docker from 'dockerode';
import { isDigest } from '../../../lib/image-reference';
import { withDeadline } from '../deadline';
import type { DockerConnection } from '../connection';
import { EngineError } from '../engine';
import type { RegistrySettings } from './image-puller';
import { allFailed, cancelled, pullError, silent, withLogin, type SourceFailure } from './pull-errors';
import { readLogin } from './registry-login';
import { imageSources, type ImageSource } from './registry-mirrors';

/** For all of its sources together: an operator waits for the answer. */
const RESOLVE_DEADLINE_MS = 10_000;

/**
 * As Engine.resolveDigest. Of an image for several platforms it is the digest of them all, so that hosts of any kind
 * take what is theirs.
 */
export async function resolveDigest(
  connection: DockerConnection,
  settings: RegistrySettings,
  reference: string,
  signal: AbortSignal,
): Promise<string> {
  if (signal.aborted) throw cancelled();
  const sources = imageSources(reference, settings.mirrors);
  if (sources.length === 0) throw new EngineError('pull-failed', `"${reference}" is no image reference`);
  const failures: SourceFailure[] = [];
  for (const source of sources) {
    try {
      return await askSource(connection, settings, source, RESOLVE_DEADLINE_MS / sources.length, signal);
    } catch (error) {
      if (signal.aborted) throw cancelled();
      if (!(error instanceof EngineError) || error.code === 'unavailable') throw error;
      failures.push({ source, error });
    }
  }
  throw allFailed(failures);
}

async function askSource(
  connection: DockerConnection,
  { dockerConfig: folder }: RegistrySettings,
  source: ImageSource,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<string> {
  const { clock } = connection;
  const { registry } = source;
  const ask = async (atDeadline: AbortSignal): Promise<string> => {
    const abort = AbortSignal.any([atDeadline, signal]);
    const login = await readLogin({ folder, registry, clock, signal: abort });
    try {
      const found = await connection.call('distribution', deadlineMs, (docker, atCallDeadline) =>
        getDistribution(docker, source.reference, login.auth, AbortSignal.any([atCallDeadline, abort])),
      );
      const digest = found.Descriptor?.digest;
      if (typeof digest === 'string' && isDigest(digest)) return digest;
      throw new EngineError('other', `Docker does not say the digest of ${source.reference}`);
    } catch (error) {
      if (!(error instanceof EngineError) || error.code === 'unavailable' || error.code === 'timeout') throw error;
      throw withLogin(pullError(error.message), source, login);
    }
  };
  return withDeadline(clock, 'distribution', deadlineMs, ask).catch((error: unknown) => {
    // What takes so long is the registry.
    throw error instanceof EngineError && error.code === 'timeout' ? silent(deadlineMs) : error;
  });
}

interface Distribution {
  readonly Descriptor?: { readonly digest?: unknown };
}

/** As dockerode does, but that it can be ended. */
function getDistribution(
  docker: Docker,
  reference: string,
  authconfig: object | undefined,
  abortSignal: AbortSignal,
): Promise<Distribution> {
  const modem = docker.modem as {
    dial(request: object, done: (error: Error | null, answer: Distribution) => void): void;
  };
  const request = { path: `/distribution/${encodeURI(reference)}/json`, method: 'GET', authconfig, abortSignal };
  return new Promise((resolve, reject) => {
    modem.dial({ ...request, statusCodes: { 200: true } }, (error, answer) =>
      error === null ? resolve(answer) : reject(error),
    );
  });
}
