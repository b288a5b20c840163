import { execFile } from 'node:child_process';

/** So long a command of the lab may take: none of them waits for anything but the kernel or an engine. */
const COMMAND_TIMEOUT_MS = 60_000;

/** @returns standard output, trimmed. @throws Error with what the command had to say */
export function run(command: string, args: readonly string[], input?: string | Buffer): Promise<string> {
  return new Promise((done, fail) => {
    const options = { maxBuffer: 64e6, timeout: COMMAND_TIMEOUT_MS };
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      if (error === null) done(stdout.trim());
      else fail(new Error(`${command} ${args.join(' ')} failed: ${stderr.trim() || error.message}`));
    });
    // A command that ends without reading says why on its own.
    child.stdin!.on('error', () => undefined);
    child.stdin!.end(input);
  });
}
