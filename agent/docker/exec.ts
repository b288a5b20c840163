import type { Hook } from '../../lib/documents/types';
import { UNPRINTABLE } from '../../lib/unprintable';
import { READ_DEADLINE_MS, type DockerConnection } from './connection';
import { EngineError, type ExecResult, type LogRequest } from './engine';
import { FrameReader } from './frames';

/** Of what a command wrote: enough to see what is wrong, little enough for a status. */
const MAX_OUTPUT_BYTES = 1024;
const MAX_LINE_CHARACTERS = 300;

/** Runs a command in a running container. Docker has no way to end it: after the deadline it runs on. @throws EngineError */
export async function runInContainer(
  connection: DockerConnection,
  id: string,
  request: { readonly command: Hook; readonly deadlineMs: number; readonly onBegun: () => void },
): Promise<ExecResult> {
  const { command, deadlineMs, onBegun } = request;
  const exec = await connection.call('exec', READ_DEADLINE_MS, (docker, abortSignal) =>
    docker.getContainer(id).exec({
      Cmd: [...command.command],
      AttachStdout: true,
      AttachStderr: true,
      Privileged: command.privileged,
      Env: Object.entries(command.environment).map(([name, value]) => `${name}=${value}`),
      ...(command.user !== '' && { User: command.user }),
      ...(command.workingDir !== '' && { WorkingDir: command.workingDir }),
      abortSignal,
    }),
  );
  const output = new FrameReader(MAX_OUTPUT_BYTES);
  await connection.call('exec', deadlineMs, async (_, abortSignal) => {
    const stream = await exec.start({ abortSignal });
    onBegun();
    await readAll(stream, output, abortSignal);
  });
  const { ExitCode, Running } = await connection.call('exec', READ_DEADLINE_MS, (_, abortSignal) =>
    exec.inspect({ abortSignal }),
  );
  if (Running || ExitCode === null) throw new EngineError('other', 'Docker does not say how the command ended');
  return { exitCode: ExitCode, output: printable(output.text) };
}

/** @returns the last lines that a container wrote. @throws EngineError */
export async function readLogTail(
  connection: DockerConnection,
  id: string,
  { lines, sinceMs, untilMs }: LogRequest,
): Promise<readonly string[]> {
  const answer = (await connection.call('logs', READ_DEADLINE_MS, (docker, abortSignal) =>
    docker.getContainer(id).logs({
      ...{ follow: false, stdout: true, stderr: true, tail: lines, abortSignal },
      // Docker takes fractions; a millisecond more, since its own times have nanoseconds.
      ...{ since: sinceMs / 1000, until: (untilMs + 1) / 1000 },
    }),
  )) as unknown;
  const reader = new FrameReader(lines * MAX_LINE_CHARACTERS * 4);
  // dockerode gives the bytes, unless they happen to be JSON.
  reader.push(Buffer.isBuffer(answer) ? answer : Buffer.from(JSON.stringify(answer)));
  const written = reader.text.split('\n').filter((line) => line.trim() !== '');
  return written.slice(-lines).map((line) => printable(line).slice(0, MAX_LINE_CHARACTERS));
}

/** One line that a terminal shows as it is. */
function printable(text: string): string {
  return text.trim().replace(UNPRINTABLE, ' ');
}

function readAll(stream: NodeJS.ReadableStream, into: FrameReader, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => (stream as { destroy?: () => void }).destroy?.());
    stream.on('data', (chunk: Buffer) => into.push(chunk));
    stream.on('error', (error: Error) => reject(new EngineError('other', error.message)));
    stream.on('end', resolve);
    stream.on('close', resolve);
  });
}
