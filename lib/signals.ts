/** Settles at the first SIGTERM or SIGINT. Later ones are ignored: the daemon is on its way out already. */
export function waitForSignal(): Promise<'stop'> {
  return new Promise((resolve) => {
    const stop = (): void => resolve('stop');
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}
