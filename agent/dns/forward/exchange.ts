/** One question to one name server, and its answer. A socket of its own each time: its port is as hard to guess as the id. */
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { FLAG, HEADER_BYTES, RCODE } from '../wire/query';
import type { NameServer } from './resolv-conf';

/** Settles with what `accepts` takes, or rejects with why there is nothing; also when the signal says so. */
export type Exchange = (
  server: NameServer,
  packet: Buffer,
  accepts: (answer: Buffer) => boolean,
  signal: AbortSignal,
) => Promise<Buffer>;

export const askOverUdp: Exchange = ({ host, port }, packet, accepts, signal) =>
  new Promise((resolve, reject) => {
    const family = host.includes(':') ? 6 : 4;
    const lookup = (address: string, _: unknown, done: (e: null, a: string, f: number) => void): void =>
      done(null, address, family);
    const socket = createSocket({ type: family === 6 ? 'udp6' : 'udp4', lookup });
    const end = (settle: () => void): void => {
      signal.removeEventListener('abort', abort);
      socket.removeAllListeners();
      // What it still meets is nobody's concern.
      socket.on('error', () => undefined);
      socket.close();
      settle();
    };
    const abort = (): void => end(() => reject(signal.reason as Error));
    signal.addEventListener('abort', abort);
    socket.on('error', (error) => end(() => reject(error)));
    // Connected, the kernel passes on what this server sends and nothing else, and tells when nobody listens there.
    socket.on('connect', () => socket.send(packet));
    socket.on('message', (answer) => {
      if (accepts(answer)) end(() => resolve(answer));
    });
    socket.connect(port, host);
  });

export const askOverTcp: Exchange = ({ host, port }, packet, accepts, signal) =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    let received: Buffer = Buffer.alloc(0);
    const end = (settle: () => void): void => {
      signal.removeEventListener('abort', abort);
      socket.destroy();
      settle();
    };
    const abort = (): void => end(() => reject(signal.reason as Error));
    signal.addEventListener('abort', abort);
    socket.on('error', (error) => end(() => reject(error)));
    socket.on('close', () => end(() => reject(new Error('it closed the connection'))));
    socket.on('connect', () => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(packet.length);
      socket.write(Buffer.concat([length, packet]));
    });
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE()) return;
      const answer = received.subarray(2, 2 + received.readUInt16BE());
      end(() => (accepts(answer) ? resolve(answer) : reject(new Error('it answered something else'))));
    });
  });

/** Answers of servers that could not make sense of the query, and may leave the question out. */
const WITHOUT_QUESTION: readonly number[] = [RCODE.malformed, RCODE.failed, RCODE.notDone, RCODE.refused];

/** @param packet what was asked. @param questionEnd where its question ends */
export function isAnswerTo(packet: Buffer, questionEnd: number, answer: Buffer): boolean {
  if (answer.length < HEADER_BYTES || answer.readUInt16BE(0) !== packet.readUInt16BE(0)) return false;
  const flags = answer.readUInt16BE(2);
  if ((flags & FLAG.response) === 0 || (flags & 0x7800) !== 0) return false;
  const questions = answer.readUInt16BE(4);
  if (questions === 0) return WITHOUT_QUESTION.includes(flags & 0xf);
  const nameEnd = questionEnd - 4;
  const name = (of: Buffer): string => of.toString('latin1', HEADER_BYTES, nameEnd).toLowerCase();
  return (
    questions === 1 &&
    answer.length >= questionEnd &&
    packet.compare(answer, nameEnd, questionEnd, nameEnd, questionEnd) === 0 &&
    name(packet) === name(answer)
  );
}
