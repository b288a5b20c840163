/**
 * A process of its own that answers DNS as an agent does, from what etcd has:
 *   dns-server <etcd> <prefix> <folder of the copy on disk>
 * Its parent is told "host:port" first, and for each message that it sends, how much memory is in use then.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DiscoveryCopy } from '../agent/discovery/discovery-copy';
import { FollowedDiscovery } from '../agent/discovery/followed-discovery';
import { AgentDns } from '../agent/dns/dns';
import { createAgentMetrics } from '../agent/metrics';
import { systemClock } from '../lib/clock';
import { keysUnder } from '../lib/documents/keys';
import { connectEtcd } from '../lib/etcd/etcd3-store';
import { silentLogger } from '../lib/log';
import { sleep } from '../test/support/wait';

const COLLECTIONS = 4;
const COLLECT_PAUSE_MS = 200;

/** What it tells its parent. */
export type Told = { readonly address: string } | { readonly usedMb: number };

async function main([etcd, prefix, folder]: readonly string[]): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const common = { clock: systemClock, random: Math.random, log: silentLogger };
  const copy = new DiscoveryCopy({ ...common, folder: folder!, prefix: prefix! });
  const discovery = new FollowedDiscovery({
    ...common,
    onChange: () => copy.changed(),
    ...{ store: connectEtcd({ endpoints: [etcd!] }), keys: keysUnder(prefix!), leaseTtlMs: 5000 },
    host: { name: 'h1', address: '127.0.0.1' },
    accepts: () => Promise.resolve(true),
  });
  await copy.keep(discovery);
  const dns = new AgentDns({
    ...common,
    ...{ discovery, domain: 'berth', host: 'h1', preferredZone: undefined, ttlSeconds: 1, upstreams: [] },
    metrics: createAgentMetrics().dns,
  });
  const measure = async (): Promise<void> => {
    // What one collection finds to be garbage can hold what only the next one finds.
    for (let time = 0; time < COLLECTIONS; time++) {
      collect();
      await sleep(COLLECT_PAUSE_MS);
    }
    const { heapUsed, external } = process.memoryUsage();
    tell({ usedMb: (heapUsed + external) / 1e6 });
  };
  const tell = (told: Told): void => void process.send!(told);
  process.on('message', () => void measure());
  process.on('disconnect', () => process.exit(0));
  tell({ address: (await dns.server.listen('127.0.0.1:0')).address });
}

if (require.main === module) void main(process.argv.slice(2));
