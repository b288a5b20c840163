import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

export type LabelValues = Readonly<Record<string, string>>;
export interface GaugeMetric {
  set(value: number, labels?: LabelValues): void;
  /** Forgets every label value, before a gauge with labels is filled anew. */
  reset(): void;
}
export interface CounterMetric {
  inc(by?: number, labels?: LabelValues): void;
}
export interface HistogramMetric {
  observe(value: number, labels?: LabelValues): void;
}

/** The event loop's lag is sampled so often. prom-client's own 10 ms costs more than all else that a daemon does at rest. */
const LAG_SAMPLE_MS = 100;

/** The metrics of one daemon. Names follow Prometheus's rules: base units, `_total` on counters. */
export interface Metrics {
  gauge(name: string, help: string, labels?: readonly string[]): GaugeMetric;
  counter(name: string, help: string, labels?: readonly string[]): CounterMetric;
  histogram(name: string, help: string, buckets: readonly number[], labels?: readonly string[]): HistogramMetric;
  /** Content type of what `render` gives. */
  readonly contentType: string;
  /** Everything in Prometheus's text format. */
  render(): Promise<string>;
}

export function createMetrics(options: { processMetrics?: boolean } = {}): Metrics {
  const registry = new Registry();
  if (options.processMetrics ?? false)
    collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LAG_SAMPLE_MS });
  const common = { registers: [registry] };
  return {
    gauge(name, help, labels = []) {
      const gauge = new Gauge({ name, help, labelNames: [...labels], ...common });
      return { set: (value, values) => gauge.set(values ?? {}, value), reset: () => gauge.reset() };
    },
    counter(name, help, labels = []) {
      const counter = new Counter({ name, help, labelNames: [...labels], ...common });
      return { inc: (by = 1, values) => counter.inc(values ?? {}, by) };
    },
    histogram(name, help, buckets, labels = []) {
      const histogram = new Histogram({ name, help, buckets: [...buckets], labelNames: [...labels], ...common });
      return { observe: (value, values) => histogram.observe(values ?? {}, value) };
    },
    contentType: registry.contentType,
    render: () => registry.metrics(),
  };
}
