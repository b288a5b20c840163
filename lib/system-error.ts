/** @returns "ENOENT" and so on, as errno(3) has them; empty for an error that is none of the system's */
export function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}
