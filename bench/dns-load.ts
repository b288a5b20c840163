/**
 * A process of its own that asks a server over UDP as fast as it answers, for a while, and prints how long answers took:
 *   dns-load <host:port> <hexadecimal packet> <seconds> <questions in flight>
 */
import { createSocket } from 'node:dgram';
import { splitListen } from '../lib/listen-address';
import { summarise } from './statistics';

export interface Times {
  readonly p99Ms: number;
  /** Questions that nobody answered. */
  readonly lost: number;
}

/** Of those that are in flight. */
const MAX_SAMPLES = 500_000;
/** What is not answered by then is lost: asked anew, or nothing would be in flight after a while. */
const LOST_MS = 500;

async function main([address, packetHex, seconds, inFlight]: readonly string[]): Promise<Times> {
  const packet = Buffer.from(packetHex!, 'hex');
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
  const { host, port } = splitListen(address!);
  // Connected, a send costs the least that Node can do.
  await new Promise<void>((resolve) => socket.connect(port, host, resolve));
  const sentAtMs = new Float64Array(0x10000);
  const times: number[] = [];
  let nextId = 0;
  let lost = 0;
  const ask = (): void => {
    const id = (nextId = (nextId + 1) & 0xffff);
    const query = Buffer.from(packet);
    query.writeUInt16BE(id, 0);
    sentAtMs[id] = performance.now();
    socket.send(query);
  };
  const endMs = performance.now() + Number(seconds) * 1000;
  socket.on('message', (answer) => {
    const id = answer.readUInt16BE(0);
    if (sentAtMs[id] === 0) return;
    const nowMs = performance.now();
    if (times.length < MAX_SAMPLES) times.push(nowMs - sentAtMs[id]!);
    sentAtMs[id] = 0;
    if (nowMs < endMs) ask();
  });
  for (let count = 0; count < Number(inFlight); count++) ask();
  const checking = setInterval(() => {
    const nowMs = performance.now();
    for (const [id, atMs] of sentAtMs.entries())
      if (atMs > 0 && nowMs - atMs > LOST_MS) {
        sentAtMs[id] = 0;
        lost++;
        if (nowMs < endMs) ask();
      }
  }, LOST_MS);
  await new Promise<void>((resolve) => setTimeout(resolve, Number(seconds) * 1000));
  clearInterval(checking);
  socket.close();
  return { p99Ms: summarise(times).p99, lost };
}

if (require.main === module) void main(process.argv.slice(2)).then((times) => console.log(JSON.stringify(times)));
