/** That the judge sees what is wrong: against a server of names that says what it is told to. */
import { decode, encode, RECURSION_DESIRED, type Answer } from 'dns-packet';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { until } from '../support/wait';
import { startNameJudge } from './name-judge';

const NAME = '_http._tcp.web.service.berth';

let names: Socket;
let service: Server;
/** Ports of 127.0.0.1 that are named. */
let named: readonly number[];
beforeEach(async () => {
  named = [];
  names = createSocket('udp4').bind(0, '127.0.0.1');
  names.on('message', (bytes, { port, address }) => {
    const { id, questions } = decode(bytes);
    const target = (index: number): string => `web-${index}.web.service.berth`;
    const answers = named.map((at, index): Answer => ({
      type: 'SRV',
      name: NAME,
      data: { port: at, target: target(index) },
    }));
    const additionals = named.map((_, index): Answer => ({ type: 'A', name: target(index), data: '127.0.0.1' }));
    names.send(
      encode({ type: 'response', id: id!, flags: RECURSION_DESIRED, questions: questions!, answers, additionals }),
      port,
      address,
    );
  });
  service = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await Promise.all([once(names, 'listening'), once(service, 'listening')]);
});
afterEach(() => {
  names.close();
  service.close();
});

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

async function breachesOf(act: () => Promise<void> | void, sign: RegExp | undefined): Promise<void> {
  const judge = startNameJudge({ servers: [`127.0.0.1:${names.address().port}`], name: NAME, longestMs: 500 });
  try {
    await until('some answers', () => judge.seen.answers > 5);
    await act();
    if (sign === undefined) {
      const before = judge.seen.answers;
      await until('more answers', () => judge.seen.answers > before + 15);
      expect(judge.breaches).toEqual([]);
    } else await until('a breach', () => judge.breaches.some((one) => sign.test(one)));
  } finally {
    await judge.stop();
  }
}

test('nothing is wrong with what is true', () => {
  named = [portOf(service)];
  return breachesOf(() => undefined, undefined);
});

test('nobody is named, and somebody answers', () => {
  named = [portOf(service)];
  return breachesOf(() => void (named = []), /names nobody, and 127\.0\.0\.1:\d+ answers/);
});

test('what has answered nobody for too long is named', () => {
  named = [portOf(service)];
  return breachesOf(async () => {
    service.close();
    await once(service, 'close');
  }, /which has answered nobody for \d+ ms/);
});
