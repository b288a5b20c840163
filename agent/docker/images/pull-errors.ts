/** Pure: what can go wrong with a pull, in words for people. */
import { EngineError, type EngineErrorCode } from '../engine';
import { asEngineError } from '../errors';
import type { RegistryLogin } from './registry-login';
import type { ImageSource } from './registry-mirrors';

/** What Docker (20.10 to 28) says of a pull, with the words of registries in it. The first that matches counts. */
const PATTERNS: readonly (readonly [RegExp, EngineErrorCode])[] = [
  [/no space left on device|disk quota exceeded/i, 'no-space'],
  [
    /unauthorized|no basic auth credentials|authentication required|incorrect username or password|access denied|denied: |access to the resource is denied|status: (401|403)/i,
    'unauthorized',
  ],
  [/no such image|manifest (for .* )?(not found|unknown)|repository .*not found|name unknown/i, 'no-such-image'],
];

/** A message goes into the host's status in etcd. */
const MAX_MESSAGE_CHARACTERS = 2000;

/** A failure that Docker tells in words, of a pull. */
export function pullError(message: string): EngineError {
  const code = PATTERNS.find(([pattern]) => pattern.test(message))?.[1] ?? 'pull-failed';
  return new EngineError(code, asEngineError({ statusCode: 500, message }).message);
}

export function cancelled(): EngineError {
  return new EngineError('pull-failed', 'the pull was cancelled');
}

export function silent(silenceMs: number): EngineError {
  // Not 'timeout': the registry is the trouble here, not the engine.
  return new EngineError('pull-failed', `nothing came from the registry for ${silenceMs / 1000} s`);
}

export function brokenOff(reason: string): EngineError {
  return new EngineError('pull-failed', `the connection to Docker broke during the pull (${reason})`);
}

/** The same failure, with what was sent to the registry, where that may be the cause. */
export function withLogin(error: EngineError, { registry }: ImageSource, login: RegistryLogin): EngineError {
  const { described, remedy, problem } = login;
  if (error.code === 'unauthorized') {
    const isHidden = /does not exist/.test(error.message) ? '' : ' (or it has no such image)';
    const message = `${registry} refused the pull${isHidden}; it was sent ${described}. On this host: ${remedy}. Docker says: ${error.message}`;
    return new EngineError('unauthorized', message);
  }
  return problem === undefined ? error : new EngineError(error.code, `${error.message}; it was sent ${described}`);
}

export interface SourceFailure {
  readonly source: ImageSource;
  readonly error: EngineError;
}

/** All that went wrong, source by source; what the registry itself says counts. */
export function allFailed(failures: readonly SourceFailure[]): EngineError {
  const origin = failures.find(({ source }) => source.isOrigin) ?? failures.at(-1)!;
  if (failures.length === 1) return origin.error;
  const told = failures.map(({ source, error }) => `from ${source.registry}: ${error.message}`);
  return new EngineError(origin.error.code, told.join('; ').slice(0, MAX_MESSAGE_CHARACTERS));
}
