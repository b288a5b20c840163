import { hostname } from 'node:os';
import { systemClock } from '../lib/clock';
import type { CoordinatorConfig } from '../lib/config/daemons';
import { keysUnder } from '../lib/documents/keys';
import { connectEtcd } from '../lib/etcd/etcd3-store';
import { plain, startHttpServer } from '../lib/http-server';
import { ownAddress, reachedAt } from '../lib/listen-address';
import { createLogger } from '../lib/log';
import { serveCoordinator } from '../lib/rpc/server';
import { waitForSignal } from '../lib/signals';
import { VERSION } from '../lib/version';
import { startCoordinator } from './coordinator';
import { createPages } from './discovery/pages';
import { createHeapRoom } from './heap-room';
import { createCoordinatorMetrics } from './metrics';

/**
 * Runs a coordinator until SIGTERM or SIGINT: one of all leads, every one answers.
 * @returns the exit code
 */
export async function runCoordinator(config: CoordinatorConfig): Promise<number> {
  const stopped = waitForSignal();
  const metrics = createCoordinatorMetrics();
  const makeRoom = createHeapRoom();
  const store = connectEtcd({ endpoints: config.etcd });
  const identity = `${hostname()}:${process.pid}`;
  const http = reachedAt(config.http, config.address || ownAddress(config.http, hostname())) ?? '';
  const pages = createPages(() => ({
    ...{ view: coordinator.cluster.view, isKnown: coordinator.cluster.isKnown, candidates: coordinator.candidates },
    own: { identity, http, version: VERSION },
  }));
  const coordinator = startCoordinator({
    ...{ store, metrics, clock: systemClock, random: Math.random, leaseTtlMs: config.leaseTtl },
    log: createLogger({ component: 'coordinator', level: config.logLevel }),
    keys: keysUnder(config.prefix),
    ...{ identity, http },
    onView: ({ hosts }) => {
      makeRoom(hosts.size);
      pages.changed();
    },
    onCandidates: () => pages.changed(),
  });
  const { cluster } = coordinator;
  const rpc = await serveCoordinator(config.grpc, coordinator.api);
  const web = await startHttpServer(config.http, {
    '/metrics': async () => {
      metrics.count(cluster.view);
      return { status: 200, contentType: metrics.metrics.contentType, body: await metrics.metrics.render() };
    },
    '/healthz': () => plain(200, 'ok'),
    '/readyz': () =>
      cluster.isConnected
        ? plain(200, coordinator.isLeader ? 'ok: leads' : 'ok: stands by')
        : plain(503, 'etcd can not be reached'),
    ...pages.routes,
  });
  process.stdout.write(`berth coordinator ready: grpc ${rpc.address} http ${web.address}\n`);
  await stopped;
  await coordinator.resign();
  await rpc.close();
  await web.close();
  coordinator.close();
  store.close();
  return 0;
}
