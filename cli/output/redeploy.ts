/** What became of a redeploy that was asked for, found out and in words. */
import type { CoordinatorCalls, GetHistoryResponse, RedeployResponse } from '../../lib/rpc/types';
import { follow, type Seen } from '../follow';
import { clean } from './clean';

/** The question to a registry takes a second or so. */
const POLL_MS = 200;

export interface Outcome {
  readonly service: string;
  /** 'unknown': no host could say what the image's name means now. */
  readonly outcome: 'released' | 'unchanged' | 'unknown';
  /** Number of the new release; of the newest one, where there is no new one. */
  readonly release: number;
  /** As the operator wrote it. */
  readonly image: string;
  /** Now, and before; empty where it is not known. */
  readonly digest: string;
  readonly before: string;
  /** Why there is no digest; empty when there is one. */
  readonly reason: string;
}

interface Asking {
  readonly client: Pick<CoordinatorCalls, 'getHistory'>;
  readonly service: string;
  readonly answer: RedeployResponse;
  readonly timeoutMs: number;
  readonly say: (line: string) => void;
}

/** @throws CommandError with exit code 4 when nobody answered in time */
export async function becomeOf({ client, service, answer, timeoutMs, say }: Asking): Promise<Outcome> {
  const { outcome } = await follow<Seen & { readonly outcome: Outcome | undefined }>({
    look: async () => {
      const history = await client.getHistory({ service });
      const outcome = outcomeIn(service, history, answer);
      const { move } = history.status;
      const asking = move?.phase === 'resolving' ? [`${service}: ${clean(move.reason)}`] : [];
      return { outcome, progress: outcome === undefined ? asking : [], troubles: [], isDone: outcome !== undefined };
    },
    describeTimeout: () =>
      `${service} is not asked for yet; Berth goes on trying. Does a coordinator lead? "berth why ${service}" tells more.`,
    onInterrupt: 'it is asked for, and Berth goes on with it.',
    pollMs: POLL_MS,
    ...{ timeoutMs, say },
  });
  return outcome!;
}

function outcomeIn(
  service: string,
  { releases, status }: GetHistoryResponse,
  { wish, digest: before }: RedeployResponse,
): Outcome | undefined {
  const [newest] = releases;
  const cut = releases.findLast(({ number }) => number > wish.insteadOf);
  if (cut !== undefined) {
    const { number: release, image, digest, unpinnedReason: reason } = cut;
    return { ...{ service, outcome: 'released', release, image, digest, before }, reason };
  }
  if (status.redeploy?.wish !== wish.atMs || newest === undefined) return undefined;
  const { digest, reason } = status.redeploy;
  const outcome = digest === '' ? 'unknown' : 'unchanged';
  return { ...{ service, outcome, release: newest.number, image: newest.image, digest, before }, reason };
}

/** One line, or two. */
export function describe({ service, outcome, release, image, digest, before, reason }: Outcome): string {
  const name = clean(image);
  const force = `"berth redeploy ${service} --force" makes every instance anew`;
  if (outcome === 'unchanged') return `${name} still means ${clean(digest)}, as in ${service}@${release}. ${force}.`;
  if (outcome === 'unknown')
    return `No host could say what ${name} means now: ${clean(reason)}\nNothing was changed. ${force}, with the bits that it has.`;
  const cut = `${service}@${release} is cut`;
  if (digest === '') return `${cut}, without a digest: ${clean(reason)}`;
  if (digest === before) return `${cut}: every instance is made anew, of the same ${clean(digest)}.`;
  return `${cut}: ${name} means ${clean(digest)} now${before === '' ? '' : `, and meant ${clean(before)}`}.`;
}
