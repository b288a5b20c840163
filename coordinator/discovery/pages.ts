/** What other programs find the cluster by, on the coordinator's HTTP server. Any coordinator answers, leader or not. */
import type { Candidate } from '../../lib/documents/types';
import type { Clock } from '../../lib/clock';
import { plain, type Route } from '../../lib/http-server';
import type { Logger } from '../../lib/log';
import type { ClusterView } from '../view';
import { KeptPage } from './kept-page';
import { prometheusPage } from './prometheus';
import type { ServiceProblem } from './traefik/document';
import type { TraefikPages } from './traefik-page';

/** What is known of the cluster now. */
export interface Known {
  readonly view: Pick<ClusterView, 'hosts' | 'services' | 'releases' | 'serviceStatuses' | 'index'>;
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

/** @param onLabels told of how many of Traefik's labels are left out, whenever its document was made anew */
export function createPages(
  known: () => Known,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
  onLabels: (refused: number) => void,
): Pages {
  const prometheus = new KeptPage(() => {
    const { view, candidates, own } = known();
    return prometheusPage(view, candidates, own);
  });
  const tell = labelTeller(log);
  let maker: TraefikPages | undefined;
  const traefik = new KeptPage(async () => {
    maker ??= new (await import('./traefik-page.js')).TraefikPages(clock, () => traefik.changed());
    const { text, problems } = await maker.make(known().view);
    tell(problems);
    onLabels(problems.length);
    return text;
  });
  // Whoever polls keeps what it had: an empty list would make it forget everything.
  const json = (page: KeptPage) => async () =>
    known().isKnown
      ? { status: 200, contentType: 'application/json', body: await page.read() }
      : plain(503, 'the coordinator could not read etcd yet');
  return {
    prometheus: async () => (known().isKnown ? prometheus.read() : undefined),
    routes: { '/sd/prometheus': json(prometheus), '/sd/traefik': json(traefik) },
    changed: () => {
      prometheus.changed();
      traefik.changed();
    },
  };
}

/** Says it once for each label, and again when it was right in between. */
function labelTeller(log: Logger): (problems: readonly ServiceProblem[]) => void {
  let told = new Set<string>();
  return (problems) => {
    const now = new Set<string>();
    for (const { service, label, message } of problems) {
      const text = `${service} ${label} ${message}`;
      now.add(text);
      if (!told.has(text)) log.warn('a label of Traefik is left out', { service, label, reason: message });
    }
    told = now;
  };
}
