import type { HostStatus } from '../lib/documents/types';
import { createMetrics, type Metrics } from '../lib/metrics';
import type { DnsMetrics } from './dns/dns';
import type { EndpointMetrics } from './endpoints/endpoint-publisher';
import type { PassReport } from './loop-options';
import type { Outcome } from './probes/outcome';
import type { GroupMetrics as TemplateMetrics } from './templates/group';
import type { TidyMetrics } from './tidy/tidy';

const PASS_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const TRY_BUCKETS_S = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 2.5, 10];

/** The agent's metrics: set as things happen, so that a scrape costs no call to Docker or etcd. */
export interface AgentMetrics extends EndpointMetrics {
  readonly metrics: Metrics;
  onPass(pass: PassReport): void;
  onStatus(status: HostStatus, desired: number): void;
  onEtcd(connected: boolean): void;
  /** Of a probe. */
  onTry(result: Outcome['result'], durationMs: number): void;
  /** @param stale how many of each service's endpoints are */
  onDiscovery(services: number, stale: readonly (readonly [service: string, count: number])[]): void;
  readonly images: TidyMetrics;
  readonly templates: TemplateMetrics;
  readonly dns: DnsMetrics;
}

export function createAgentMetrics(): AgentMetrics {
  const metrics = createMetrics({ processMetrics: true });
  const desired = metrics.gauge('berth_agent_instances_desired', 'Instances that the assignment names.');
  const running = metrics.gauge('berth_agent_instances_running', 'Instances whose container runs.');
  const healthy = metrics.gauge(
    'berth_agent_instances_healthy',
    'Running instances whose health check passes, or that have none.',
  );
  const unhealthy = metrics.gauge(
    'berth_agent_instances_unhealthy',
    'Running instances whose probe or health check has failed too often.',
  );
  const held = metrics.gauge(
    'berth_agent_instances_held',
    'Instances that are left as they are, because nothing in etcd says what they should be.',
  );
  const paused = metrics.gauge('berth_agent_instances_paused', 'Instances that operators paused: left alone.');
  const problems = metrics.gauge('berth_agent_problems', 'Problems of the host as a whole, by rule.', ['rule']);
  const steps = metrics.counter('berth_agent_steps_total', 'Steps that were begun, by kind.', ['kind']);
  const restarts = metrics.counter('berth_agent_restarts_total', 'Containers that were started again after an exit.');
  const passes = metrics.histogram(
    'berth_agent_reconcile_duration_seconds',
    'Time of a reconcile pass.',
    PASS_BUCKETS_S,
  );
  const etcd = metrics.gauge('berth_agent_etcd_connected', '1 when etcd answers.');
  const docker = metrics.gauge('berth_agent_docker_connected', '1 when the Docker Engine answers.');
  let restartsSeen = 0;
  return {
    metrics,
    onPass(pass) {
      passes.observe(pass.durationMs / 1000);
      docker.set(pass.engineAnswers ? 1 : 0);
      for (const { kind } of pass.steps) steps.inc(1, { kind });
      restarts.inc(pass.restartsTotal - restartsSeen);
      restartsSeen = pass.restartsTotal;
    },
    onStatus(status, desiredCount) {
      const instances = Object.values(status.instances);
      const up = instances.filter(({ phase }) => phase === 'RUNNING');
      desired.set(desiredCount);
      running.set(up.length);
      healthy.set(up.filter(({ health }) => health === 'none' || health === 'healthy').length);
      unhealthy.set(up.filter(({ health }) => health === 'unhealthy').length);
      held.set(instances.filter((instance) => instance.held).length);
      paused.set(instances.filter(({ pausedUntilMs }) => pausedUntilMs > 0).length);
      problems.reset();
      const rules = status.problems.map(({ rule }) => rule);
      for (const rule of new Set(rules)) problems.set(rules.filter((other) => other === rule).length, { rule });
    },
    onEtcd: (connected) => etcd.set(connected ? 1 : 0),
    onTry: countTries(metrics),
    ...endpointMetrics(metrics),
    ...discoveryMetrics(metrics),
    images: imageMetrics(metrics),
    templates: templateMetrics(metrics),
    dns: dnsMetrics(metrics),
  };
}

function discoveryMetrics(metrics: Metrics): Pick<AgentMetrics, 'onDiscovery'> {
  const services = metrics.gauge(
    'berth_agent_discovery_services',
    'Services that something on this host has asked for, and that are followed.',
  );
  const stale = metrics.gauge(
    'berth_agent_discovery_stale_endpoints',
    'Endpoints that are answered though etcd does not vouch for them, since they accept connections, by service.',
    ['service'],
  );
  return {
    onDiscovery(followed, staleByService) {
      services.set(followed);
      stale.reset();
      for (const [service, count] of staleByService) stale.set(count, { service });
    },
  };
}

function endpointMetrics(metrics: Metrics): EndpointMetrics {
  const endpoints = metrics.gauge('berth_agent_endpoints', 'Endpoints that this host publishes.');
  const writes = metrics.counter('berth_agent_endpoint_writes_total', 'Keys of endpoints that were put or deleted.');
  return {
    onEndpoints(published, written) {
      endpoints.set(published);
      writes.inc(written);
    },
  };
}

function imageMetrics(metrics: Metrics): TidyMetrics {
  const removed = metrics.counter('berth_agent_images_removed_total', 'Images that were tidied up, by why.', ['why']);
  const bytes = metrics.counter(
    'berth_agent_images_removed_bytes_total',
    'Size of the images that were tidied up, with the layers that other images share.',
  );
  const disk = metrics.gauge('berth_agent_image_disk_used_ratio', "How full the disk of Docker's data root is.");
  return {
    onRemoved(why, freedBytes) {
      removed.inc(1, { why });
      bytes.inc(freedBytes);
    },
    onDisk: (usedRatio) => disk.set(usedRatio),
  };
}

function templateMetrics(metrics: Metrics): TemplateMetrics {
  const renders = metrics.counter('berth_agent_template_renders_total', 'Renderings of templates, by result.', [
    'result',
  ]);
  const reloads = metrics.counter('berth_agent_template_reloads_total', 'Reloads that templates ran, by result.', [
    'result',
  ]);
  return { onRender: (result) => renders.inc(1, { result }), onReload: (result) => reloads.inc(1, { result }) };
}

function dnsMetrics(metrics: Metrics): DnsMetrics {
  const queries = metrics.counter('berth_agent_dns_queries_total', 'Queries of DNS, by how they ended.', ['outcome']);
  const failures = metrics.counter(
    'berth_agent_dns_forward_failures_total',
    'Tries of a name server outside that brought no answer.',
  );
  return {
    onQuery: (outcome) => queries.inc(1, { outcome }),
    onForwardFailure: () => failures.inc(),
  };
}

function countTries(metrics: Metrics): AgentMetrics['onTry'] {
  const tries = metrics.counter('berth_agent_probe_tries_total', 'Tries of probes, by result.', ['result']);
  const tryDuration = metrics.histogram(
    'berth_agent_probe_duration_seconds',
    'Time of a try of a probe.',
    TRY_BUCKETS_S,
  );
  return (result, durationMs) => {
    tries.inc(1, { result });
    tryDuration.observe(durationMs / 1000);
  };
}
