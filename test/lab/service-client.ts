/**
 * A client that finds a service as discovery does: it asks, without pause, instances that their hosts say are healthy, and
 * hears of changes as a watch of etcd tells them. For tests of rollouts, drains and lost hosts.
 */
import { systemClock } from '../../lib/clock';
import { decodeDocument } from '../../lib/documents/codec';
import { keysUnder } from '../../lib/documents/keys';
import { connectEtcd } from '../../lib/etcd/etcd3-store';
import { startMirror } from '../../lib/etcd/mirror';
import { startAskingClient, type AskingClient } from '../support/asking-client';
import { until } from '../support/wait';
import type { Lab } from './lab';

const keys = keysUnder('/berth');

export interface ServiceClient extends AskingClient {
  /** Hosts of the healthy instances, as the client knows them now, sorted. */
  hosts(): readonly string[];
}

/** Settles when there is an instance to ask. */
export async function startServiceClient(lab: Lab, service: string): Promise<ServiceClient> {
  const store = connectEtcd({ endpoints: lab.made.endpoints });
  const mirror = startMirror({
    store,
    clock: systemClock,
    range: { prefix: keys.statuses },
    onChange: () => undefined,
  });
  const healthy = (): readonly { host: string; url: string }[] =>
    [...mirror.entries()].flatMap(([key, { value }]) => {
      const host = key.slice(keys.statuses.length);
      return Object.values(decodeDocument('HostStatus', value).instances)
        .filter((one) => one.service === service && one.phase === 'RUNNING' && one.health === 'healthy')
        .map(({ ports }) => ({ host, url: `http://${lab.address(host)}:${ports[0]!.published}/cgi-bin/index.cgi` }));
    });
  await until('a healthy instance', () => healthy().length > 0, 60_000);
  let turn = 0;
  const client = startAskingClient(() => {
    const known = healthy();
    return known[turn++ % Math.max(1, known.length)]?.url;
  });
  return {
    ...client,
    hosts: () =>
      healthy()
        .map(({ host }) => host)
        .sort(),
    stop: async () => {
      await client.stop();
      mirror.close();
      store.close();
    },
  };
}
