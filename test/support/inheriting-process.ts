/**
 * Answers DNS on the sockets that it inherits. Says first what those are, and what a process that it starts gets of them; then
 * reads lines: "listen <address>", "close" of the one that it listens on, and says after each how it stands.
 */
import { execFileSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { AgentDns } from '../../agent/dns/dns';
import { takeInherited } from '../../agent/dns/server/inherited';
import type { Listener } from '../../agent/dns/server/server';
import { systemClock } from '../../lib/clock';
import { silentLogger } from '../../lib/log';
import { createFakeDiscovery, fakeEndpoint } from './fake-discovery';

const say = (what: object): boolean => process.stdout.write(`${JSON.stringify(what)}\n`);

async function main(): Promise<void> {
  const { sockets, troubles } = await takeInherited(process.env, process.pid);
  const script = 'env | grep ^LISTEN_ || true; ls -l /proc/self/fd | grep -o "socket:.*" || true';
  const child = execFileSync('sh', ['-c', script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  say({ sockets, troubles, child });
  const discovery = createFakeDiscovery();
  discovery.set('web', [fakeEndpoint('web-1-aaaa')]);
  const dns = new AgentDns({
    ...{ discovery, domain: 'berth', host: 'h1', preferredZone: undefined, ttlSeconds: 1, upstreams: ['127.0.0.1:1'] },
    ...{ clock: systemClock, random: Math.random, log: silentLogger, inherited: sockets },
  });
  await dns.server.answerInherited();
  let listener: Listener | undefined;
  for await (const line of createInterface({ input: process.stdin })) {
    const [verb, address] = line.split(' ');
    let error = '';
    if (verb === 'close') await listener?.close();
    else
      await dns.server.listen(address!).then(
        (one) => (listener = one),
        (reason: Error) => (error = reason.message),
      );
    say({ addresses: dns.server.addresses, unwanted: dns.server.unwanted.map(({ fd }) => fd), error });
  }
  await dns.close();
}

void main();
