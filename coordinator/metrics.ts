import { createMetrics, type Metrics } from '../lib/metrics';
import { isReady } from './rollouts/readiness';
import { placementsOf, liveReportOf, type ClusterView } from './view';

const PLAN_BUCKETS_S = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30];

export interface CoordinatorMetrics {
  readonly metrics: Metrics;
  onPlan(plan: { readonly durationMs: number; readonly outcome: string; readonly transactions: number }): void;
  onLeader(isLeader: boolean): void;
  onEtcd(isConnected: boolean): void;
  onTraefikLabels(refused: number): void;
  /** Counts what is in the view; called for each scrape. */
  count(view: ClusterView): void;
}

export function createCoordinatorMetrics(): CoordinatorMetrics {
  const metrics = createMetrics({ processMetrics: true });
  const leader = metrics.gauge('berth_coordinator_leader', '1 on the coordinator that leads.');
  const etcd = metrics.gauge('berth_coordinator_etcd_connected', '1 when etcd answers.');
  const services = metrics.gauge('berth_coordinator_services', 'Services that operators want.');
  const refused = metrics.gauge('berth_coordinator_services_refused', 'Services whose document is refused.');
  const desired = metrics.gauge('berth_coordinator_instances_desired', 'Instances that accepted services want.');
  const placed = metrics.gauge('berth_coordinator_instances_placed', 'Instances that are assigned to a host.');
  const running = metrics.gauge(
    'berth_coordinator_instances_running',
    'Assigned instances that run as wanted on a live host.',
  );
  const held = metrics.gauge(
    'berth_coordinator_instances_held',
    'Instances that run though etcd knows nothing of their service.',
  );
  const hosts = metrics.gauge('berth_coordinator_hosts', 'Hosts that are known, by state.', ['state']);
  const unreadable = metrics.gauge('berth_coordinator_documents_unreadable', 'Documents in etcd that can not be read.');
  const labels = metrics.gauge(
    'berth_coordinator_traefik_labels_refused',
    'Labels for Traefik that are left out of its document, since it would take nothing of it.',
  );
  const plans = metrics.histogram(
    'berth_coordinator_plan_duration_seconds',
    'Time to plan and commit.',
    PLAN_BUCKETS_S,
  );
  const commits = metrics.counter('berth_coordinator_commits_total', 'Plans, by how their commit ended.', ['outcome']);
  return {
    metrics,
    onPlan({ durationMs, outcome }) {
      plans.observe(durationMs / 1000);
      commits.inc(1, { outcome });
    },
    onLeader: (isLeader) => leader.set(isLeader ? 1 : 0),
    onTraefikLabels: (refused) => labels.set(refused),
    onEtcd: (isConnected) => etcd.set(isConnected ? 1 : 0),
    count(view) {
      const statuses = [...view.serviceStatuses.values()].map(({ document }) => document);
      const all = [...view.hosts.values()];
      const placements = all.flatMap(placementsOf);
      services.set(view.services.size);
      refused.set(statuses.filter((status) => status?.accepted === false).length);
      desired.set(statuses.reduce((sum, status) => sum + (status?.wanted ?? 0), 0));
      placed.set(placements.length);
      running.set(placements.filter((placement) => isReady(liveReportOf(view, placement))).length);
      held.set(
        all.flatMap(({ status }) => Object.values(status?.instances ?? {})).filter((instance) => instance.held).length,
      );
      for (const state of ['live', 'lost'])
        hosts.set(all.filter(({ isLive }) => isLive === (state === 'live')).length, { state });
      unreadable.set(view.problems.length);
    },
  };
}
