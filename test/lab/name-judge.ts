/**
 * Asks the DNS of hosts for a service without pause, asks every endpoint that was ever named whether it answers, and compares
 * the two.
 */
import { connect } from 'node:net';
import { askUdp } from '../support/dns-exchange';
import { dnsQuery, readDnsAnswer } from '../support/dns-client';
import { sleep } from '../support/wait';

const ASK_EVERY_MS = 40;
const TRY_EVERY_MS = 100;
const CONNECT_MS = 400;
const ANSWER_MS = 3000;

interface Tried {
  /** `performance.now()` of the last connection that it accepted, by when that was begun. */
  acceptedMs: number;
}

export interface NameJudge {
  /** Answers, and what was wrong with them, for people. */
  readonly seen: { answers: number };
  readonly breaches: readonly string[];
  stop(): Promise<void>;
}

export interface JudgeOptions {
  /** "host:port" of servers. */
  readonly servers: readonly string[];
  /** "_http._tcp.web.service.berth" */
  readonly name: string;
  /** An instance that accepted no connection for longer is not to be named. */
  readonly longestMs: number;
}

export function startNameJudge({ servers, name, longestMs }: JudgeOptions): NameJudge {
  const tried = new Map<string, Tried>();
  const breaches: string[] = [];
  const seen = { answers: 0 };
  let isStopped = false;
  const startedMs = performance.now();
  const at = (): string => `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;

  const tryOne = async (endpoint: string, one: Tried): Promise<void> => {
    while (!isStopped) {
      const begunMs = performance.now();
      if (await accepts(endpoint)) one.acceptedMs = begunMs;
      await sleep(TRY_EVERY_MS);
    }
  };
  const trying: Promise<void>[] = [];
  const judge = (server: string, endpoints: readonly string[], askedMs: number): void => {
    seen.answers++;
    for (const endpoint of endpoints) {
      let one = tried.get(endpoint);
      if (one === undefined) {
        one = { acceptedMs: askedMs };
        tried.set(endpoint, one);
        trying.push(tryOne(endpoint, one));
      }
      const silentMs = askedMs - one.acceptedMs;
      if (silentMs > longestMs)
        breaches.push(`${at()}: ${server} names ${endpoint}, which has answered nobody for ${Math.round(silentMs)} ms`);
    }
    // Whatever accepts connections right before and after an empty answer was there to be named.
    const there = [...tried].filter(([, { acceptedMs }]) => askedMs - acceptedMs < 2 * TRY_EVERY_MS);
    if (endpoints.length === 0 && there.length > 0)
      breaches.push(`${at()}: ${server} names nobody, and ${there.map(([endpoint]) => endpoint).join(', ')} answers`);
  };
  const ask = async (server: string): Promise<void> => {
    while (!isStopped) {
      const askedMs = performance.now();
      const bytes = await askUdp(server, dnsQuery(name, 'SRV', { payloadBytes: 4096 }), ANSWER_MS);
      const answer = bytes === undefined ? undefined : readDnsAnswer(bytes);
      if (answer?.rcode === 'NOERROR') judge(server, endpointsOf(answer), askedMs);
      else breaches.push(`${at()}: ${server} says ${answer?.rcode ?? 'nothing'}`);
      await sleep(ASK_EVERY_MS);
    }
  };
  const asking = Promise.all(servers.map(ask));
  return {
    seen,
    breaches,
    stop: async () => {
      isStopped = true;
      await asking;
      await Promise.all(trying);
    },
  };
}

/** @returns "address:port" of each */
function endpointsOf({ packet }: ReturnType<typeof readDnsAnswer>): readonly string[] {
  const addresses = new Map<string, string>();
  for (const record of packet.additionals ?? []) if (record.type === 'A') addresses.set(record.name, record.data);
  return (packet.answers ?? []).flatMap((record) =>
    record.type === 'SRV' ? [`${addresses.get(record.data.target) ?? '?'}:${record.data.port}`] : [],
  );
}

function accepts(endpoint: string): Promise<boolean> {
  const [host = '', port = ''] = endpoint.split(':');
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) });
    const settle = (is: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(is);
    };
    const timer = setTimeout(() => settle(false), CONNECT_MS);
    socket.once('connect', () => settle(true));
    socket.on('error', () => settle(false));
  });
}
