/** What the program's exit codes say; docs/reference/cli.md. */
export const EXIT = {
  ok: 0,
  /** It could not be done: a coordinator or etcd is away, a name is not there. */
  failed: 1,
  /** A document was refused, or what was asked for can't be done as things are; nothing was written. */
  refused: 2,
  /** What was waited for failed: it was rolled back, or stopped where it was. */
  rolledBack: 3,
  /** `--wait` ended before everything was as wanted. */
  timedOut: 4,
  /** Ctrl-C ended the waiting: 128 and the number of SIGINT, as shells have it. */
  interrupted: 130,
  /** The command line or the configuration is wrong (EX_USAGE of sysexits.h). */
  usage: 64,
} as const;

/** Ends a command with a message for people and an exit code. */
export class CommandError extends Error {
  constructor(
    message: string,
    readonly exitCode: number = EXIT.failed,
  ) {
    super(message);
    this.name = 'CommandError';
  }
}
