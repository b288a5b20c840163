import { EngineError, type EngineErrorCode } from './engine';

/** What Docker says, as it says it (20.10 to 28), and what that is to us. The first that matches counts. */
const PATTERNS: readonly (readonly [RegExp, EngineErrorCode])[] = [
  [
    /no such image|manifest (for .* )?(not found|unknown)|repository does not exist|pull access denied/i,
    'no-such-image',
  ],
  [/no such container/i, 'no-such-container'],
  [/the container name .* is already in use/i, 'name-taken'],
  [
    /port is already allocated|address already in use|failed to bind (host )?port|ports are not available/i,
    'port-taken',
  ],
  [
    /bind source path does not exist|invalid mount config|error while creating mount source path|invalid volume spec/i,
    'bad-mount',
  ],
  [/error mounting|cannot create subdirectories in|are you trying to mount a directory onto a file/i, 'bad-mount'],
  [/oci runtime|unable to find (user|group)|no matching entries in passwd|executable file not found/i, 'bad-request'],
  [/client version .* is too (new|old)/i, 'unsupported'],
];

/** Docker wraps the one line that matters in the names of its own parts. */
const WRAPPING: readonly (readonly [RegExp, string])[] = [
  // dockerode's own.
  [/^\(HTTP code \d+\) [^-]*- /, ''],
  [/^((failed to create (shim|task for container|shim task)|error response from daemon): *)+/i, ''],
  [/^OCI runtime (create|start|exec) failed: (runc (create|start) failed: |exec failed: )?/i, ''],
  [
    /^(container_linux\.go:\d+: )?(unable to start container process|starting container process caused): (error during container init: )?/i,
    '',
  ],
  [/^(driver failed programming external connectivity on endpoint \S+ \([0-9a-f]+\)): */i, ''],
  [/: unknown$/i, ''],
];

/** A message goes into the host's status in etcd; Docker's may quote whole files. */
const MAX_MESSAGE_CHARACTERS = 500;

interface DockerFailure {
  readonly statusCode?: number;
  readonly code?: string;
  readonly message?: string;
  readonly json?: { readonly message?: string };
}

/**
 * Anything that dockerode rejects with → EngineError, with the part of Docker's words that a person needs.
 * @param address of the engine, for the message when it can't be reached
 */
export function asEngineError(thrown: unknown, address = 'its address'): EngineError {
  if (thrown instanceof EngineError) return thrown;
  const failure = (thrown ?? {}) as DockerFailure;
  const message = plainWords(failure.json?.message ?? failure.message ?? String(thrown));
  // Node itself refused to send it, before there was a connection: what was asked is at fault, not the engine.
  if (failure.code?.startsWith('ERR_')) return new EngineError('bad-request', message);
  if (failure.statusCode === undefined)
    return new EngineError('unavailable', unreachable(failure.code, message, address));
  const known = PATTERNS.find(([pattern]) => pattern.test(failure.json?.message ?? message));
  if (known !== undefined) return new EngineError(known[1], message);
  return new EngineError(failure.statusCode >= 400 && failure.statusCode < 500 ? 'bad-request' : 'other', message);
}

export function statusOf(thrown: unknown): number | undefined {
  return (thrown as DockerFailure | undefined)?.statusCode;
}

/**
 * Which port a message of 'port-taken' means, in the words of 20.10 to 28: "Bind for 0.0.0.0:80 failed: port is already
 * allocated", "listen tcp4 0.0.0.0:80: bind: address already in use", "failed to bind host port for
 * 0.0.0.0:80:172.17.0.2:8080/tcp: address already in use", "failed to bind host port 0.0.0.0:80/tcp: …".
 */
export function readTakenPort(message: string): { readonly port?: number; readonly protocol?: string } {
  const found = /(?:(tcp|udp)[46]? |for |port )(?:\[[^\]]*\]|[\d.]+|::):(\d+)(?:\S*\/(tcp|udp))?/i.exec(message);
  if (found === null) return {};
  const protocol = found[1] ?? found[3];
  return { port: Number(found[2]), ...(protocol !== undefined && { protocol }) };
}

function unreachable(code: string | undefined, message: string, address: string): string {
  if (code === 'ENOENT' || code === 'ECONNREFUSED') return `no Docker Engine answers at ${address} (${message})`;
  if (code === 'EACCES') return `this user may not use the Docker Engine at ${address} (${message})`;
  return `the connection to the Docker Engine at ${address} broke (${message})`;
}

function plainWords(message: string): string {
  let words = message.trim();
  for (const [noise, instead] of WRAPPING) words = words.replace(noise, instead);
  words = words.replace(/\s+/g, ' ').trim();
  return words.length > MAX_MESSAGE_CHARACTERS ? `${words.slice(0, MAX_MESSAGE_CHARACTERS)}…` : words;
}
