/** A client of a lab's services that asks without pause: for tests of what must not be noticed from outside. */
import { get } from 'node:http';
import { sleep } from '../support/wait';

const ANSWER_TIMEOUT_MS = 5000;
/** A closed port is told at once, and would be asked thousands of times a second. */
const AFTER_FAILURE_MS = 20;
/** More say nothing new. */
const MAX_FAILURES = 100;

export interface ClientReport {
  readonly answered: number;
  /** What was asked, and why there was no answer; the first ones. */
  readonly failures: readonly string[];
}

export interface Client {
  /** @returns what it has seen until now */
  report(): ClientReport;
  stop(): Promise<ClientReport>;
}

/**
 * Asks each URL again when it has answered, over a new connection each time. Anything but a 200 is a failure.
 * @param pauseMs between an answer and the next question, for a machine that has other things to do
 */
export function startClient(urls: readonly string[], pauseMs = 0): Client {
  let isStopped = false;
  let answered = 0;
  const failures: string[] = [];
  const ask = async (url: string): Promise<void> => {
    while (!isStopped) {
      const trouble = await troubleOf(url);
      if (trouble === undefined) answered++;
      else if (failures.length < MAX_FAILURES) failures.push(`${url}: ${trouble}`);
      await sleep(trouble === undefined ? pauseMs : Math.max(pauseMs, AFTER_FAILURE_MS));
    }
  };
  const asking = Promise.all(urls.map(ask));
  const report = (): ClientReport => ({ answered, failures: [...failures] });
  return {
    report,
    stop: async () => {
      isStopped = true;
      await asking;
      return report();
    },
  };
}

function troubleOf(url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: ANSWER_TIMEOUT_MS }, (response) => {
      response.on('error', (error) => resolve(error.message));
      response.on('end', () => resolve(response.statusCode === 200 ? undefined : `status ${response.statusCode}`));
      response.resume();
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${ANSWER_TIMEOUT_MS} ms`)));
    request.on('error', (error) => resolve(error.message));
  });
}
