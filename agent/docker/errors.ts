import { EngineError, type EngineErrorCode } from './engine';

/** What Docker says, as it says it, and what that is to us. The first that matches counts. */
const PATTERNS: readonly (readonly [RegExp, EngineErrorCode])[] = [
  [/no such image|manifest (for .* )?not found|repository does not exist|pull access denied/i, 'no-such-image'],
  [/no such container/i, 'no-such-container'],
  [/the container name .* is already in use/i, 'name-taken'],
  [/port is already allocated|address already in use|failed to bind port/i, 'port-taken'],
  [
    /bind source path does not exist|invalid mount config|error while creating mount source path|not a directory: unknown/i,
    'bad-mount',
  ],
];

interface DockerFailure {
  readonly statusCode?: number;
  readonly code?: string;
  readonly message?: string;
  readonly json?: { readonly message?: string };
}

/** Anything that dockerode rejects with → EngineError, with Docker's own words. */
export function asEngineError(thrown: unknown): EngineError {
  if (thrown instanceof EngineError) return thrown;
  const failure = (thrown ?? {}) as DockerFailure;
  const message = (failure.json?.message ?? failure.message ?? String(thrown)).trim();
  if (failure.statusCode === undefined) return new EngineError('unavailable', message);
  const known = PATTERNS.find(([pattern]) => pattern.test(message));
  if (known !== undefined) return new EngineError(known[1], message);
  return new EngineError(failure.statusCode >= 400 && failure.statusCode < 500 ? 'bad-request' : 'other', message);
}

export function statusOf(thrown: unknown): number | undefined {
  return (thrown as DockerFailure | undefined)?.statusCode;
}
