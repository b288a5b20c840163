/** A client that asks a URL without pause, several requests at a time, each on a connection of its own. */
import { get } from 'node:http';
import { sleep } from './wait';

const ANSWER_TIMEOUT_MS = 5000;
/** A closed port is told at once, and would be asked thousands of times a second. */
const AFTER_FAILURE_MS = 20;
const PAUSE_MS = 5;

export interface FailedRequest {
  /** `performance.now()` when it was asked, and when it had failed. */
  readonly askedMs: number;
  readonly failedMs: number;
  readonly what: string;
}

export interface AskingClient {
  /** How often each text was the answer. */
  readonly answers: ReadonlyMap<string, number>;
  readonly failures: readonly FailedRequest[];
  stop(): Promise<void>;
}

export function startAskingClient(url: string, askers = 4): AskingClient {
  const answers = new Map<string, number>();
  const failures: FailedRequest[] = [];
  let isStopped = false;
  const ask = async (): Promise<void> => {
    while (!isStopped) {
      const askedMs = performance.now();
      const answer = await answerOf(url);
      if (typeof answer === 'string') answers.set(answer, (answers.get(answer) ?? 0) + 1);
      else failures.push({ askedMs, failedMs: performance.now(), what: answer.message });
      await sleep(typeof answer === 'string' ? PAUSE_MS : AFTER_FAILURE_MS);
    }
  };
  const asking = Promise.all(Array.from({ length: askers }, ask));
  return {
    answers,
    failures,
    stop: async () => {
      isStopped = true;
      await asking;
    },
  };
}

/** @returns the body of a 200 */
export function answerOf(url: string): Promise<string | Error> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: ANSWER_TIMEOUT_MS }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('error', resolve);
      response.on('end', () =>
        resolve(response.statusCode === 200 ? text : new Error(`${response.statusCode}: ${text}`)),
      );
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${ANSWER_TIMEOUT_MS} ms`)));
    request.on('error', resolve);
  });
}
