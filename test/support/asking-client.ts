/** A client that asks a URL again and again, several requests at a time. */
import { Agent, get } from 'node:http';
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

export interface AskingOptions {
  readonly askers?: number;
  /** Each asker keeps its connection as long as the other side does. Otherwise each request has one of its own. */
  readonly isKept?: boolean;
  readonly pauseMs?: number;
}

export function startAskingClient(
  url: string,
  { askers = 4, isKept = false, pauseMs = PAUSE_MS }: AskingOptions = {},
): AskingClient {
  const answers = new Map<string, number>();
  const failures: FailedRequest[] = [];
  let isStopped = false;
  const ask = async (): Promise<void> => {
    const agent = isKept && new Agent({ keepAlive: true, maxSockets: 1 });
    while (!isStopped) {
      const askedMs = performance.now();
      const answer = await answerOf(url, { agent });
      if (typeof answer === 'string') answers.set(answer, (answers.get(answer) ?? 0) + 1);
      else failures.push({ askedMs, failedMs: performance.now(), what: answer.message });
      await sleep(typeof answer === 'string' ? pauseMs : AFTER_FAILURE_MS);
    }
    if (agent !== false) agent.destroy();
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
export function answerOf(
  url: string,
  { agent = false, headers = {} }: { agent?: Agent | false; headers?: Readonly<Record<string, string>> } = {},
): Promise<string | Error> {
  return new Promise((resolve) => {
    const request = get(url, { agent, headers, timeout: ANSWER_TIMEOUT_MS }, (response) => {
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
