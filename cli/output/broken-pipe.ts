/** What a program does whose reader has gone, as in `berth ps | head -1`. */
const PIPE_STATUS = 141; // 128 and the number of SIGPIPE, as shells have it

/** Ends the program quietly. */
export function endOnBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', end);
}

/** A daemon goes on without its log: containers are more than lines. */
export function surviveBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr]) stream.off('error', end).on('error', () => undefined);
}

function end(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit(PIPE_STATUS);
}
