/**
 * Pure: which digest a release's image has, or whom to ask for it. Hosts are asked, since their engines have the
 * credentials of registries; one after another, a few, and then the release goes without. docs/decisions/0015.
 */
import type { Release } from '../../lib/documents/types';
import { hostsByReason } from '../../lib/hosts-by-reason';
import { isDigest } from '../../lib/image-reference';
import { constraints } from '../schedule/filters/constraints';
import type { ServiceInput } from '../schedule/types';
import { NO_USAGE } from '../schedule/usage';
import { isUsable, type HostView } from '../view';

/** A registry that takes longer is down, for this purpose: a release need not wait for it. */
export const ANSWER_WITHIN_MS = 10_000;
export const MAX_ASKS = 3;
/** What was asked so long ago was asked of another leader, in other circumstances. */
const FORGOTTEN_AFTER_MS = 60_000;
/** An id says which bits, too; there is no registry to ask for it. */
const IMAGE_ID = /^(?:sha256:)?[0-9a-f]{64}$/;

/** What a release is decided from. */
export type ReleaseInput = Pick<ServiceInput, 'service' | 'view' | 'document' | 'placements' | 'reports' | 'wallMs'>;

/** A host is to be asked, or was and has not answered yet. */
export interface Resolving {
  /** Host. */
  readonly asked: string;
  /** Wall clock at which it was asked, in milliseconds: tells one question from the next. */
  readonly question: number;
  /** How often somebody was asked, this time included. */
  readonly asks: number;
  /** Who got none, by host: why. */
  readonly noDigest: Denials;
  readonly image: string;
  /** For people. */
  readonly reason: string;
  /** When the answer is late. */
  readonly againInMs: number;
}

export type Pinning =
  /** @property image with its digest, unless `unpinnedReason` says why it has none */
  { readonly image: string; readonly unpinnedReason: string } | Resolving;

/** @returns why no registry is asked what an image means, for people; empty when one is */
export function whyNotAsked({ image, pullPolicy }: Pick<Release['container'], 'image' | 'pullPolicy'>): string {
  if (isExact(image)) return 'its image is given by its digest or id';
  return pullPolicy === 'never' ? 'its pull_policy is never' : '';
}

function isExact(image: string): boolean {
  return image.includes('@') || IMAGE_ID.test(image);
}

/** @param release with its image as the operator wrote it */
export function pinImage(input: ReleaseInput, release: Release): Pinning {
  const { image, pullPolicy } = release.container;
  const unpinned = (unpinnedReason: string): Pinning => ({ image, unpinnedReason });
  if (isExact(image)) return unpinned('');
  if (pullPolicy === 'never')
    return unpinned('pull_policy is never: each host runs what it has under this name, and no registry is asked');
  const last = lastQuestion(input, image);
  const answer = last && input.view.hosts.get(last.asked)?.status?.resolved[input.service];
  const isAnswered = last !== undefined && answer?.question === last.question;
  if (isAnswered && isDigest(answer.digest)) return { image: `${image}@${answer.digest}`, unpinnedReason: '' };
  if (last !== undefined && !isAnswered && last.leftMs > 0 && isLive(input, last.asked))
    return resolving(last, image, last.leftMs);
  const why = answer?.problem === '' ? 'the registry named none' : (answer?.problem ?? '');
  // It may lack the credentials that another one has.
  const noDigest = isAnswered ? { ...last.noDigest, [last.asked]: why } : (last?.noDigest ?? {});
  const asks = last?.asks ?? 0;
  const asked = asks < MAX_ASKS ? nextHost(input, release, last?.asked, noDigest) : undefined;
  if (asked === undefined) return unpinned(whyNone({ last, noDigest, isAnswered }));
  const question = Math.max(input.wallMs, (last?.question ?? 0) + 1);
  return resolving({ asked, question, asks: asks + 1, noDigest }, image, ANSWER_WITHIN_MS);
}

/** Hosts that got no digest: why. */
type Denials = Readonly<Record<string, string>>;

interface Question {
  readonly asked: string;
  readonly question: number;
  readonly asks: number;
  readonly noDigest: Denials;
}

function resolving({ asked, question, asks, noDigest }: Question, image: string, againInMs: number): Resolving {
  const before = asks === 1 ? '' : ` (${asks} of ${MAX_ASKS} times)${textOf(noDigest, '; ')}`;
  const reason = `${asked} is asked for the digest of ${image}${before}`;
  return { asked, question, asks, noDigest, image, reason, againInMs };
}

/** Why nobody more is asked, for people. */
function whyNone({ last, noDigest, isAnswered }: Asked): string {
  const denied = textOf(noDigest);
  if (last === undefined || (denied === '' && last.asks < MAX_ASKS))
    return 'no host was live that could be asked for its digest';
  if (denied === '')
    return `${last.asks} times a host was asked for its digest, ${last.asked} last, and none answered in time`;
  return isAnswered ? denied : `${denied}; ${last.asked} did not answer in time`;
}

interface Asked {
  readonly last: Question | undefined;
  readonly noDigest: Denials;
  /** The last one has answered. */
  readonly isAnswered: boolean;
}

/** @param before stands before it, if there is anything. @returns "h1, h2 got no digest of it: denied; h3 got …" */
function textOf(noDigest: Denials, before = ''): string {
  const told = hostsByReason(Object.entries(noDigest))
    .map(([why, hosts]) => `${hosts.join(', ')} got no digest of it: ${why}`)
    .join('; ');
  return told === '' ? '' : before + told;
}

/** The question that is under way, or was not answered in time; of this image, and not long ago. */
function lastQuestion(
  { view, service, wallMs }: ReleaseInput,
  image: string,
): (Question & { readonly leftMs: number }) | undefined {
  const { asked, question, asks, noDigest } = view.serviceStatuses.get(service)?.document?.move ?? NO_QUESTION;
  const written = view.hosts.get(asked)?.assignment?.resolve[service];
  const isOfAnother = written !== undefined && written.question === question && written.image !== image;
  // A clock that was set back is no reason to wait for ever.
  const sinceMs = Math.abs(wallMs - question);
  if (asked === '' || isOfAnother || sinceMs > FORGOTTEN_AFTER_MS) return undefined;
  return { asked, question, asks, noDigest, leftMs: ANSWER_WITHIN_MS - sinceMs };
}

const NO_QUESTION: Question = { asked: '', question: 0, asks: 0, noDigest: {} };

function isLive({ view }: ReleaseInput, host: string): boolean {
  return view.hosts.get(host)?.isLive === true;
}

/**
 * Where the service may be, and is, if there is such a host: it has the credentials.
 * @param last not the same again, if there is another
 * @param noDigest none of these
 */
function nextHost(
  input: ReleaseInput,
  release: Release,
  last: string | undefined,
  noDigest: Denials,
): string | undefined {
  const has = new Set(input.placements.map(({ host }) => host));
  const rank = (host: HostView): number =>
    (host.name === last ? 8 : 0) +
    (constraints.check({ host, usage: NO_USAGE }, release) ? 0 : 4) +
    (host.pause === undefined && host.intent?.drain !== true ? 0 : 2) +
    (has.has(host.name) ? 0 : 1);
  let best: string[] = [];
  let bestRank = Infinity;
  for (const host of input.view.hosts.values()) {
    const its = isUsable(host) && !Object.hasOwn(noDigest, host.name) ? rank(host) : Infinity;
    if (its < bestRank) [best, bestRank] = [[], its];
    if (its === bestRank && its !== Infinity) best.push(host.name);
  }
  // Many services that are applied at once do not all ask the same one.
  return best.sort()[[...input.service].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % best.length];
}
