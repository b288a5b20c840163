export const sleep = (ms: number): Promise<void> => new Promise((wake) => setTimeout(wake, ms));

/** How many times as long as usual is waited: more on a machine that is slow (scripts/vm.sh). */
export const PATIENCE = Number(process.env['BERTH_TEST_PATIENCE'] ?? 1);

/** Asks again and again until the answer is there. @throws Error with the last trouble when it never is */
export async function until<T>(
  what: string,
  check: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 20_000,
): Promise<T> {
  const endMs = performance.now() + timeoutMs * PATIENCE;
  let trouble: unknown = 'it is not so';
  do {
    try {
      const found = await check();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      trouble = error;
    }
    await sleep(20);
  } while (performance.now() < endMs);
  throw new Error(`${what}: not within ${timeoutMs * PATIENCE} ms: ${String(trouble)}`);
}

/** @returns a promise, and what lets it settle */
export function gate(): { readonly wait: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const wait = new Promise<void>((resolve) => (open = resolve));
  return { wait, open };
}
