/** Pure: whether a service needs another release, and what it says. docs/decisions/0015. */
import { emptyDocument } from '../../lib/documents/codec';
import type { Problem, Release } from '../../lib/documents/types';
import type { Config } from '../../lib/release/config';
import { isComparable, sourceHash } from '../../lib/release/source-hash';
import { sameContainer } from '../../lib/release/spec-hash';
import { textHash } from '../../lib/release/text-hash';
import type { CompiledService } from '../schedule/types';
import { changesBetween } from './changes';
import { heldImage } from './held-image';
import { pinImage, whyNotAsked, type Pinning, type ReleaseInput, type Resolving } from './pin-image';
import { redeployInForce, type RedeployAnswer, type RedeployWish } from './redeploy';
import { resolveConfig } from './resolve-config';
import { withDefaults } from './unsaid';

export interface ReleaseDecision {
  /** To be written before any assignment names it. */
  readonly release?: Release;
  /**
   * The release waits for a host to say what its image's name means now. The service's status is to say it in its `move`
   * (`asked`, `question`, `asks`, `noDigest`), and the host's assignment in `resolve`; both are gone when this is.
   */
  readonly resolving?: Resolving;
  /** A redeploy was asked for, and changes nothing. The service's status is to say so until the next is answered. */
  readonly redeploy?: RedeployAnswer;
  /** Why no release is cut, where the document itself is right: of its config. */
  readonly problems: readonly Problem[];
}

type Compiled = Extract<CompiledService, { readonly ok: true }>;

/** @param newest the newest release that can be read */
export function decideRelease(input: ReleaseInput, newest: Release | undefined): ReleaseDecision {
  const { service, document, view } = input;
  if (document?.compiled.ok !== true) return { problems: [] };
  const { compiled } = document;
  const { container, deploy } = compiled;
  const { values, problems } = resolveConfig(compiled, view.config, service);
  if (problems.length > 0) return { problems };
  const source = sourceHash(compiled, values);
  const wish = newest && redeployInForce(input, newest);
  const isNew = newest === undefined || !isCutFrom(newest, compiled, values, source);
  const isBetter = !isNew && isBetterKnown(input, newest);
  if (!isNew && wish === undefined && !isBetter) return { problems: [] };
  const cause = isNew ? undefined : wish;
  const draft: Release = {
    ...emptyDocument('Release'),
    ...{ service, number: nextNumber(input), container, deploy, config: values, source, image: container.image },
    ...{ createdAtMs: input.wallMs, serviceRevision: document.modRevision, author: authorOf(input, newest, cause) },
    ...{
      redeploys: (newest?.redeploys ?? 0) + (wish?.force === true ? 1 : 0),
      reason: isBetter ? BETTER_KNOWN : textOfCause(cause),
    },
  };
  const kept = runningImage(input, newest, draft) ?? keptImage(newest, draft);
  const pinning = (wish === undefined ? kept : undefined) ?? pinImage(input, draft);
  if ('asked' in pinning) return { resolving: pinning, problems: [] };
  if (newest === undefined || wish === undefined) return { release: finish(draft, pinning, newest), problems: [] };
  if (!isNew && !wish.force && (pinning.unpinnedReason !== '' || pinning.image === newest.container.image))
    return { redeploy: answerTo(wish, pinning), problems: [] };
  // What the name meant last is better than not to know.
  const known = pinning.unpinnedReason === '' ? pinning : (kept ?? pinning);
  return { release: finish(draft, known, newest), problems: [] };
}

const BETTER_KNOWN = 'cut anew, since what hosts hold says which digest its image has';

function textOfCause(wish: RedeployWish | undefined): string {
  if (wish === undefined) return '';
  return `redeployed${wish.force ? ' by force' : ''}${wish.reason === '' ? '' : `: ${wish.reason}`}`;
}

function answerTo({ atMs }: RedeployWish, { image, unpinnedReason }: Exclude<Pinning, Resolving>): RedeployAnswer {
  return { wish: atMs, digest: unpinnedReason === '' ? (image.split('@')[1] ?? '') : '', reason: unpinnedReason };
}

function finish(draft: Release, { image, unpinnedReason }: Exclude<Pinning, Resolving>, newest: Release | undefined) {
  const unpinned = unpinnedReason !== '';
  const release = { ...draft, container: { ...draft.container, image }, unpinned, unpinnedReason };
  return { ...release, changes: changesBetween(newest, release) };
}

/** Releases of an older Berth do not say what they were cut from: they are compared by what they say themselves. */
function isCutFrom(release: Release, { container, deploy }: Compiled, config: Config, source: string): boolean {
  if (isComparable(release.source)) return release.source === source;
  const was = { ...release.container, image: release.image || release.container.image };
  return sameText(
    { container: was, deploy: withDefaults(release.deploy), config: release.config },
    { container, deploy, config },
  );
}

/**
 * etcd was emptied, and a registry that is down is no reason to run without a digest, nor one that is up to swap bits: what
 * hosts hold was made from that very name. docs/decisions/0004.
 */
function runningImage(
  input: ReleaseInput,
  newest: Release | undefined,
  { container, image }: Pick<Release, 'container' | 'image'>,
): Exclude<Pinning, Resolving> | undefined {
  const isKnown = newest !== undefined && !newest.unpinned && newest.image === image;
  if (isKnown || whyNotAsked({ image, pullPolicy: container.pullPolicy }) !== '') return undefined;
  const running = heldImage(input.reports(), image);
  return running === undefined ? undefined : { image: running, unpinnedReason: '' };
}

/** It was cut before the hosts had told what they hold. */
function isBetterKnown(input: ReleaseInput, newest: Release): boolean {
  return newest.unpinned && newest.image !== '' && runningImage(input, newest, newest) !== undefined;
}

/**
 * The same name of an image stays the same bits, so that an edit of anything else does not swap them. Where there are none
 * yet, they are asked for when containers are made anew in any case.
 */
function keptImage(newest: Release | undefined, draft: Release): Exclude<Pinning, Resolving> | undefined {
  if (newest === undefined || (newest.image || newest.container.image) !== draft.image) return undefined;
  const { image } = newest.container;
  if (!newest.unpinned) return { image, unpinnedReason: '' };
  const isSame = sameContainer(newest, { ...draft, container: { ...draft.container, image } });
  return isSame ? { image, unpinnedReason: newest.unpinnedReason || NEVER_ASKED } : undefined;
}

const NEVER_ASKED = 'it was not asked for when this image was first used; another release with new containers asks';

/**
 * Hosts may still run releases of a service whose documents were lost, and others may be there that can't be read: their
 * numbers are not given out again.
 */
export function nextNumber({ service, view, reports }: Pick<ReleaseInput, 'service' | 'view' | 'reports'>): number {
  const reported = reports().map(({ status }) => status.release);
  const written = [...(view.releases.get(service)?.keys() ?? []), ...(view.unreadableReleases?.get(service) ?? [])];
  return Math.max(0, ...written, ...reported) + 1;
}

/**
 * Of the redeploy that is its only cause; of the document, when it is another one than that of the newest release, and as it was
 * applied.
 */
function authorOf(
  { service, view, document }: ReleaseInput,
  newest: Release | undefined,
  cause: RedeployWish | undefined,
): string {
  if (cause !== undefined) return cause.by;
  const author = view.serviceIntents.get(service)?.document.author;
  const text = view.services.get(service)?.text;
  const isNew = newest?.serviceRevision !== document?.modRevision;
  return isNew && author !== undefined && text !== undefined && author.textHash === textHash(text) ? author.by : '';
}

function sameText(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
