import { hostname } from 'node:os';
import { systemClock } from '../lib/clock';
import type { CoordinatorConfig } from '../lib/config/daemons';
import { keysUnder } from '../lib/documents/keys';
import { startElection } from '../lib/etcd/election';
import { connectEtcd } from '../lib/etcd/etcd3-store';
import { plain, startHttpServer } from '../lib/http-server';
import { createLogger } from '../lib/log';
import { serveCoordinator } from '../lib/rpc/server';
import { waitForSignal } from '../lib/signals';
import { createApi } from './api/api';
import { watchCluster } from './cluster';
import { createCompiler } from './compose/compiler';
import { createCoordinatorMetrics } from './metrics';
import { Reconciler } from './reconciler';

/**
 * Runs a coordinator until SIGTERM or SIGINT: one of all leads, every one answers.
 * @returns the exit code
 */
export async function runCoordinator(config: CoordinatorConfig): Promise<number> {
  const stopped = waitForSignal();
  const log = createLogger({ component: 'coordinator', level: config.logLevel });
  const clock = systemClock;
  const keys = keysUnder(config.prefix);
  const store = connectEtcd({ endpoints: config.etcd });
  const compile = createCompiler();
  const metrics = createCoordinatorMetrics();
  const common = { store, keys, clock, log };
  const cluster = watchCluster({
    ...common,
    onChange: (changed) => {
      metrics.onEtcd(cluster.isConnected);
      reconciler.changed(changed);
    },
  });
  const reconciler = new Reconciler({
    ...{ ...common, compile, random: Math.random, onPlan: (plan) => metrics.onPlan(plan) },
    view: () => cluster.view,
    isKnown: () => cluster.isKnown,
  });
  const election = startElection({
    ...{ store, clock, log, ttlMs: config.leaseTtl, leaderPrefix: keys.leader },
    identity: `${hostname()}:${process.pid}`,
    onElected: (fence) => {
      log.info('leads from now on');
      metrics.onLeader(true);
      reconciler.establish(fence);
    },
    onDeposed: (reason) => {
      log.warn('does not lead any more', { reason });
      metrics.onLeader(false);
      reconciler.revoke();
    },
  });
  metrics.onLeader(false);
  const api = createApi({ store, keys, cluster, compile, isLeader: () => election.isLeader });
  const rpc = await serveCoordinator(config.grpc, api);
  const web = await startHttpServer(config.http, {
    '/metrics': async () => {
      metrics.count(cluster.view);
      return { status: 200, contentType: metrics.metrics.contentType, body: await metrics.metrics.render() };
    },
    '/healthz': () => plain(200, 'ok'),
    '/readyz': () =>
      cluster.isConnected
        ? plain(200, election.isLeader ? 'ok: leads' : 'ok: stands by')
        : plain(503, 'etcd can not be reached'),
  });
  process.stdout.write(`berth coordinator ready: grpc ${rpc.address} http ${web.address}\n`);
  await stopped;
  reconciler.revoke();
  await election.close();
  await rpc.close();
  await web.close();
  cluster.close();
  store.close();
  return 0;
}
