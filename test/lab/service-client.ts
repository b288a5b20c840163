/**
 * A client that finds a service as discovery does: it asks, without pause, instances that their hosts say are healthy, and
 * hears of changes as a watch of etcd tells them. For tests of rollouts, drains and lost hosts.
 */
import { get } from 'node:http';
import { systemClock } from '../../lib/clock';
import { decodeDocument } from '../../lib/documents/codec';
import { keysUnder } from '../../lib/documents/keys';
import { connectEtcd } from '../../lib/etcd/etcd3-store';
import { startMirror } from '../../lib/etcd/mirror';
import { sleep, until } from '../support/wait';
import type { Lab } from './lab';

const keys = keysUnder('/berth');
const ANSWER_TIMEOUT_MS = 2000;
/** A closed port is told at once, and would be asked thousands of times a second. */
const AFTER_FAILURE_MS = 20;
const PAUSE_MS = 5;

export interface Failure {
  /** `performance.now()` when it was asked. */
  readonly atMs: number;
  readonly host: string;
  readonly what: string;
}

export interface ServiceClient {
  /** Answers by what they said; the first line of each. */
  readonly answers: ReadonlyMap<string, number>;
  readonly failures: readonly Failure[];
  /** Hosts of the healthy instances, as the client knows them now, sorted. */
  hosts(): readonly string[];
  stop(): Promise<void>;
}

/** Settles when there is an instance to ask. @param askers connections at a time */
export async function startServiceClient(lab: Lab, service: string, askers = 4): Promise<ServiceClient> {
  const store = connectEtcd({ endpoints: lab.made.endpoints });
  const mirror = startMirror({
    store,
    clock: systemClock,
    range: { prefix: keys.statuses },
    onChange: () => undefined,
  });
  const addresses = (): readonly { host: string; url: string }[] =>
    [...mirror.entries()].flatMap(([key, { value }]) => {
      const host = key.slice(keys.statuses.length);
      return Object.values(decodeDocument('HostStatus', value).instances)
        .filter((one) => one.service === service && one.phase === 'RUNNING' && one.health === 'healthy')
        .map(({ ports }) => ({ host, url: `http://${lab.address(host)}:${ports[0]!.published}/cgi-bin/index.cgi` }));
    });
  const answers = new Map<string, number>();
  const failures: Failure[] = [];
  let isStopped = false;
  let turn = 0;
  const ask = async (): Promise<void> => {
    while (!isStopped) {
      const known = addresses();
      const target = known[turn++ % Math.max(1, known.length)];
      const atMs = performance.now();
      const answer = target === undefined ? new Error('there is no healthy instance') : await answerOf(target.url);
      if (typeof answer !== 'string') {
        failures.push({ atMs, host: target?.host ?? '', what: `${target?.url}: ${answer.message}` });
        await sleep(AFTER_FAILURE_MS);
      } else {
        const word = answer.split('!')[0]!;
        answers.set(word, (answers.get(word) ?? 0) + 1);
        await sleep(PAUSE_MS);
      }
    }
  };
  await until('a healthy instance', () => addresses().length > 0, 60_000);
  const asking = Promise.all(Array.from({ length: askers }, ask));
  return {
    answers,
    failures,
    hosts: () =>
      addresses()
        .map(({ host }) => host)
        .sort(),
    stop: async () => {
      isStopped = true;
      await asking;
      mirror.close();
      store.close();
    },
  };
}

function answerOf(url: string): Promise<string | Error> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: ANSWER_TIMEOUT_MS }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('error', resolve);
      response.on('end', () => resolve(response.statusCode === 200 ? text : new Error(`${response.statusCode}`)));
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${ANSWER_TIMEOUT_MS} ms`)));
    request.on('error', resolve);
  });
}
