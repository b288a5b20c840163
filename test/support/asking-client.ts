/** A client that asks again and again, several requests at a time: for tests of what must not be noticed from outside. */
import { Agent, get } from 'node:http';
import { sleep } from './wait';

const ANSWER_TIMEOUT_MS = 5000;
/** A closed port is told at once, and would be asked thousands of times a second. */
const AFTER_FAILURE_MS = 20;
const PAUSE_MS = 5;

export interface FailedRequest {
  /** Empty when there was nothing to ask. */
  readonly url: string;
  /** `performance.now()` when it was asked, and when it had failed. */
  readonly askedMs: number;
  readonly failedMs: number;
  readonly what: string;
}

export interface AskingClient {
  /** How often each text was the answer. */
  readonly answers: ReadonlyMap<string, number>;
  readonly failures: readonly FailedRequest[];
  /** How many answers began with this; without, how many there were. */
  count(beginning?: string): number;
  stop(): Promise<void>;
}

export interface AskingOptions {
  readonly askers?: number;
  /** Each asker keeps its connection as long as the other side does. Otherwise each request has one of its own. */
  readonly isKept?: boolean;
  /** Between an answer and the next question, for a machine that has other things to do. */
  readonly pauseMs?: number;
}

/** @param target a URL, or what is asked next; that there is nothing to ask is a failure too */
export function startAskingClient(
  target: string | (() => string | undefined),
  { askers = 4, isKept = false, pauseMs = PAUSE_MS }: AskingOptions = {},
): AskingClient {
  const answers = new Map<string, number>();
  const failures: FailedRequest[] = [];
  let isStopped = false;
  const ask = async (): Promise<void> => {
    const agent = isKept && new Agent({ keepAlive: true, maxSockets: 1 });
    while (!isStopped) {
      const askedMs = performance.now();
      const url = typeof target === 'string' ? target : target();
      const answer = url === undefined ? new Error('there is nothing to ask') : await answerOf(url, { agent });
      if (typeof answer === 'string') answers.set(answer, (answers.get(answer) ?? 0) + 1);
      else failures.push({ url: url ?? '', askedMs, failedMs: performance.now(), what: answer.message });
      await sleep(typeof answer === 'string' ? pauseMs : Math.max(pauseMs, AFTER_FAILURE_MS));
    }
    if (agent !== false) agent.destroy();
  };
  const asking = Promise.all(Array.from({ length: askers }, ask));
  return {
    answers,
    failures,
    count: (beginning = '') =>
      [...answers].reduce((sum, [text, times]) => sum + (text.startsWith(beginning) ? times : 0), 0),
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
