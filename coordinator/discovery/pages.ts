/** What other programs find the cluster by, on the coordinator's HTTP server. Any coordinator answers, leader or not. */
import type { Candidate } from '../../lib/documents/types';
import { plain, type Route } from '../../lib/http-server';
import type { ClusterView } from '../view';
import { KeptPage } from './kept-page';
import { prometheusPage } from './prometheus';

/** What is known of the cluster now. */
export interface Known {
  readonly view: Pick<ClusterView, 'hosts' | 'releases'>;
  /** Etcd was read at least once: what is not there now is not there. */
  readonly isKnown: boolean;
  readonly candidates: readonly Candidate[];
  readonly own: Candidate;
}

export interface Pages {
  /** As at /sd/prometheus; undefined before etcd was read. */
  prometheus(): Promise<string | undefined>;
  readonly routes: Readonly<Record<string, Route>>;
  /** What is known may be another. */
  changed(): void;
}

export function createPages(known: () => Known): Pages {
  const prometheus = new KeptPage(() => {
    const { view, candidates, own } = known();
    return prometheusPage(view, candidates, own);
  });
  // Whoever polls keeps what it had: an empty list would make it forget everything.
  const json = (page: KeptPage) => async () =>
    known().isKnown
      ? { status: 200, contentType: 'application/json', body: await page.read() }
      : plain(503, 'the coordinator could not read etcd yet');
  return {
    routes: { '/sd/prometheus': json(prometheus) },
    prometheus: async () => (known().isKnown ? prometheus.read() : undefined),
    changed: () => prometheus.changed(),
  };
}
