/** What a program does whose output can't be written any more: its reader has gone, as in `berth ps | head -1`, or the disk is full. */
const PIPE_STATUS = 141; // 128 and the number of SIGPIPE, as shells have it

/** Ends the program: quietly for a pipe, with a word on what is left for anything else. */
export function endOnBrokenPipe(): void {
  process.stdout.on('error', end);
  process.stderr.on('error', () => process.exit(PIPE_STATUS));
}

/** A daemon goes on without its log: containers are more than lines. */
export function surviveBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.removeAllListeners('error').on('error', () => undefined);
}

function end({ code, message }: NodeJS.ErrnoException): void {
  if (code === 'EPIPE') process.exit(PIPE_STATUS);
  process.stderr.write(`can not write the output: ${message}\n`);
  process.exit(1);
}
