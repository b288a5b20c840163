/** Asks a credential helper of Docker: a program on PATH, docker-credential-<name>. Protocol: docker/docker-credential-helpers. */
import { spawn } from 'node:child_process';
import { homedir } from 'node:os';
import type { Clock } from '../../../lib/clock';
import { UNPRINTABLE } from '../../../lib/unprintable';

/** Helpers of clouds ask a server of theirs. */
const DEADLINE_MS = 20_000;
const MAX_OUTPUT_BYTES = 64 * 1024;
const MAX_QUOTED_CHARACTERS = 200;
/** It becomes the name of a program. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const NOT_FOUND = /credentials not found in native keychain/i;

/** Why credentials could not be had, for people; never with a secret in it. */
export class LoginProblem extends Error {}

export interface HelperAnswer {
  readonly username: string;
  readonly secret: string;
}

/**
 * @param server as the helper knows it: "registry.example.com", or Docker Hub's https://index.docker.io/v1/
 * @returns undefined when it has none for the server
 * @throws LoginProblem
 */
export async function askHelper(
  name: string,
  server: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<HelperAnswer | undefined> {
  if (!NAME.test(name)) throw new LoginProblem('the name of its credential helper is none');
  const program = `docker-credential-${name}`;
  const check = `to see it, run on this host: echo ${server} | ${program} get`;
  const { code, output } = await runHelper(program, server, clock, signal).catch((error: LoginProblem) => {
    throw new LoginProblem(`${error.message}; ${check}`);
  });
  if (code !== 0) {
    if (NOT_FOUND.test(output)) return undefined;
    throw new LoginProblem(`${program} ended with ${code}${quote(output)}; ${check}`);
  }
  const answer = readAnswer(output);
  if (answer === undefined) throw new LoginProblem(`${program} answered without a Username and a Secret; ${check}`);
  return answer;
}

interface Ended {
  readonly code: number | string;
  readonly output: string;
}

function runHelper(program: string, server: string, clock: Clock, signal: AbortSignal): Promise<Ended> {
  return new Promise((resolve, reject) => {
    // A process group of its own, so that what it has started ends with it. systemd sets no HOME for services of root.
    const child = spawn(program, ['get'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { HOME: homedir(), ...process.env },
      detached: true,
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    const finish = (settle: () => void): void => {
      cancel();
      signal.removeEventListener('abort', onAbort);
      if (child.pid !== undefined) child.stdout.destroy();
      settle();
    };
    const giveUp = (why: string): void => {
      endGroup(child.pid);
      finish(() => reject(new LoginProblem(`${program} ${why}`)));
    };
    const cancel = clock.after(DEADLINE_MS, () => giveUp(`did not answer within ${DEADLINE_MS / 1000} s`));
    const onAbort = (): void => giveUp('was given up');
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) return onAbort();
    child.on('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'ENOENT' ? "is not on the agent's PATH" : `can't be run (${error.code})`;
      finish(() => reject(new LoginProblem(`${program} ${why}`)));
    });
    // Not begun: the error follows. For want of file descriptors, Node has made no streams either, whatever its types say.
    if (child.pid === undefined) return;
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_OUTPUT_BYTES) giveUp(`says more than ${MAX_OUTPUT_BYTES / 1024} KiB`);
      else chunks.push(chunk);
    });
    child.on('close', (code, endedBy) =>
      finish(() => resolve({ code: code ?? endedBy ?? 'no code', output: Buffer.concat(chunks).toString() })),
    );
    child.stdin.on('error', () => undefined); // it need not read
    child.stdin.end(server);
  });
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // it has ended
  }
}

function readAnswer(output: string): HelperAnswer | undefined {
  try {
    const { Username: username, Secret: secret } = JSON.parse(output) as { Username?: unknown; Secret?: unknown };
    return typeof username === 'string' && typeof secret === 'string' ? { username, secret } : undefined;
  } catch {
    return undefined;
  }
}

/** What a helper that fails prints is its error, in one line. What looks like an answer may hold a secret. */
function quote(output: string): string {
  const [line = ''] = output.trim().split('\n');
  if (line === '' || output.includes('{')) return '';
  return `: ${line.replace(UNPRINTABLE, ' ').slice(0, MAX_QUOTED_CHARACTERS)}`;
}
