/** A process of its own that answers DNS as an agent does, from a discovery that knows so many services of ten endpoints each. */
import { AgentDns } from '../agent/dns/dns';
import { systemClock } from '../lib/clock';
import { silentLogger } from '../lib/log';
import { createMetrics } from '../lib/metrics';
import { createFakeDiscovery, fakeEndpoint } from '../test/support/fake-discovery';
import { createAgentMetrics } from '../agent/metrics';

const [services = '1'] = process.argv.slice(2);
const discovery = createFakeDiscovery();
for (let service = 0; service < Number(services); service++)
  discovery.set(
    `web-${service}`,
    Array.from({ length: 10 }, (_, at) => fakeEndpoint(`web-${service}-${at + 1}-aaaa`, { host: `10.0.${service % 250}.${at + 1}` })),
  );
const dns = new AgentDns({
  ...{ discovery, domain: 'berth', host: 'h1', preferredZone: undefined, ttlSeconds: 1, upstreams: [] },
  ...{ clock: systemClock, random: Math.random, log: silentLogger, metrics: createAgentMetrics().dns },
});
void createMetrics;
void dns.server.listen('127.0.0.1:0').then(({ address }) => console.log(address));
