import { hostname } from 'node:os';
import { systemClock } from '../lib/clock';
import type { CoordinatorConfig } from '../lib/config/daemons';
import { keysUnder } from '../lib/documents/keys';
import { connectEtcd } from '../lib/etcd/etcd3-store';
import { plain, startHttpServer } from '../lib/http-server';
import { ownAddress, reachedAt } from '../lib/listen-address';
import { createLogger, type Logger } from '../lib/log';
import { serveCoordinator } from '../lib/rpc/server';
import { waitForSignal } from '../lib/signals';
import { VERSION } from '../lib/version';
import { writeWhole } from '../lib/whole-file';
import { startCoordinator } from './coordinator';
import { createPages, type Known, type Pages } from './discovery/pages';
import { TargetFile } from './discovery/target-file';
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
  const known = (): Known => ({
    ...{ view: coordinator.cluster.view, isKnown: coordinator.cluster.isKnown, candidates: coordinator.candidates },
    own: { identity, http, version: VERSION },
  });
  const log = createLogger({ component: 'coordinator', level: config.logLevel });
  if (http === '' && config.address !== '')
    log.warn('nobody is told of "address", since "http" listens where others do not reach it', { http: config.http });
  const pages = createPages(known, { clock: systemClock, log }, (refused) => metrics.onTraefikLabels(refused));
  const file = targetFile(config.prometheusFile, pages, log);
  const changed = (): void => {
    pages.changed();
    file?.changed();
  };
  const coordinator = startCoordinator({
    ...{ store, metrics, clock: systemClock, log, random: Math.random, leaseTtlMs: config.leaseTtl },
    keys: keysUnder(config.prefix),
    ...{ identity, http },
    onView: ({ hosts }) => {
      makeRoom(hosts.size);
      changed();
    },
    onCandidates: changed,
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
  file?.close();
  await coordinator.resign();
  await rpc.close();
  await web.close();
  coordinator.close();
  store.close();
  return 0;
}

/** Prometheus runs as a user of its own. */
const FOR_EVERYBODY_TO_READ = 0o644;

function targetFile(path: string, pages: Pages, log: Logger): TargetFile | undefined {
  if (path === '') return undefined;
  const write = (to: string, text: string): Promise<void> => writeWhole(to, text, FOR_EVERYBODY_TO_READ);
  return new TargetFile({ path, targets: () => pages.prometheus(), write, clock: systemClock, log });
}
