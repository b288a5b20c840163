/** A process of its own that answers DNS: dns-process <name server outside>. Its first line says where. */
import { AgentDns } from '../../agent/dns/dns';
import { systemClock } from '../../lib/clock';
import { createLogger } from '../../lib/log';
import { createFakeDiscovery, fakeEndpoint } from './fake-discovery';

const discovery = createFakeDiscovery();
discovery.set('web', [fakeEndpoint('web-1-aaaa')]);
const dns = new AgentDns({
  ...{ discovery, domain: 'berth', host: 'h1', preferredZone: undefined, ttlSeconds: 1 },
  ...{ upstreams: process.argv.slice(2), clock: systemClock, random: Math.random },
  log: createLogger({ component: 'dns', level: 'error' }),
});
void dns.server.listen('127.0.0.1:0').then(({ address }) => console.log(address));
