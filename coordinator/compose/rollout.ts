/** What x-berth says of rollouts, and of hosts that are cut off. */
import type { DeploySpec } from '../../lib/documents/types';
import { DNS_LABEL_RULE, isDnsLabel } from '../../lib/names';
import { BEFORE_KEYS, ON_DISCONNECT_KEYS } from './berth-keys';
import type { Parsed, Reader } from './read';
import { readWords } from './words';

const MAX_CANARIES = 1_000_000;
const DEFAULT_BEFORE_TIMEOUT_MS = 600_000;
export const DEFAULT_DEADLINE_MS = 600_000;
/** Of what the waits alone take; the rest is for pulls, starts and probes. */
const DEADLINE_FACTOR = 3;
const MIN_MS = 1000;
const MAX_MS = 24 * 3_600_000;
const MAX_DEADLINE_MS = 7 * MAX_MS;

type Own = Pick<
  DeploySpec,
  'canary' | 'autoPromote' | 'before' | 'keepAwayFrom' | 'onDisconnect' | 'rolloutDeadlineMs'
>;

/** @param deploy what the deadline has to leave time for */
export function readRollout(berth: Reader, deploy: Pick<DeploySpec, 'replicas' | 'updateConfig'>): Own {
  const canary = berth.at('canary').integer(0, MAX_CANARIES) ?? 0;
  const autoPromote = berth.at('auto_promote').bool() ?? false;
  if (autoPromote && canary === 0)
    berth.at('auto_promote').bad('there are no canaries to promote; write canary: 1, or leave auto_promote out');
  const before = readBefore(berth.at('before'));
  return {
    ...{ canary, autoPromote },
    ...(before !== undefined && { before }),
    keepAwayFrom: [...new Set(berth.at('keep_away_from').parsedTexts(parseService))],
    onDisconnect: readOnDisconnect(berth.at('on_disconnect')),
    rolloutDeadlineMs: readDeadline(berth.at('rollout_deadline'), deploy, before?.timeoutMs ?? 0),
  };
}

function readBefore(reader: Reader): DeploySpec['before'] {
  const fields = reader.fields(BEFORE_KEYS);
  if (fields === undefined) return undefined;
  const command = readWords(fields.at('command'));
  if (!fields.at('command').isSet) fields.missing('command', 'command is missing: what to run before the rollout');
  else if (command.length === 0) fields.at('command').bad('the command is empty; write what to run');
  return { command, timeoutMs: fields.at('timeout').duration(MIN_MS, MAX_MS) ?? DEFAULT_BEFORE_TIMEOUT_MS };
}

function readOnDisconnect(reader: Reader): DeploySpec['onDisconnect'] {
  const keep = { stopAfterMs: 0, replaceAfterMs: 0 };
  if (!reader.isSet || reader.value === 'keep') return keep;
  if (typeof reader.value !== 'object' || Array.isArray(reader.value)) {
    reader.bad('this is none of keep, {stop_after: 30s} and {replace_after: 30s}');
    return keep;
  }
  const fields = reader.fields(ON_DISCONNECT_KEYS);
  const [stop, replace] = [reader.at('stop_after'), reader.at('replace_after')];
  if (stop.isSet && replace.isSet)
    replace.bad(
      'stop_after and replace_after exclude each other: what was stopped is replaced right after; leave one out',
    );
  else if (!stop.isSet && !replace.isSet)
    fields?.missing('stop_after', 'write keep, {stop_after: 30s} or {replace_after: 30s}');
  return { stopAfterMs: stop.duration(MIN_MS, MAX_MS) ?? 0, replaceAfterMs: replace.duration(MIN_MS, MAX_MS) ?? 0 };
}

function readDeadline(
  reader: Reader,
  { replicas, updateConfig }: Pick<DeploySpec, 'replicas' | 'updateConfig'>,
  beforeMs: number,
): number {
  const { batches, ms: leastMs } = leastOf(updateConfig, replicas);
  const enoughMs = enoughFor(updateConfig, replicas) + beforeMs;
  const given = reader.duration(0, MAX_DEADLINE_MS);
  if (given === undefined) return Math.max(DEFAULT_DEADLINE_MS, Math.min(enoughMs, MAX_DEADLINE_MS));
  if (given > 0 && given <= leastMs)
    reader.outOfRange(
      `a rollout could never be through in time: ${batches} batches take ${leastMs / 1000} s by update_config's monitor and delay alone; write more, or 0s for no deadline`,
    );
  return given;
}

/** What a rollout has in hand is named in its status, one by one. */
const MAX_AT_ONCE = 1000;

/** @param parallelism as it is written; 0: as many as may be. @returns instances that a rollout moves at once */
export function atOnce(parallelism: number): number {
  return parallelism === 0 ? MAX_AT_ONCE : Math.min(parallelism, MAX_AT_ONCE);
}

interface Waits {
  /** As it is written, or as many as it comes to. */
  readonly parallelism: number;
  readonly monitorMs: number;
  readonly delayMs: number;
}

/** What a rollout takes by its waits alone. */
function leastOf({ parallelism, monitorMs, delayMs }: Waits, instances: number): { batches: number; ms: number } {
  const batches = Math.max(1, Math.ceil(instances / atOnce(parallelism)));
  return { batches, ms: batches * monitorMs + (batches - 1) * delayMs };
}

/** @returns milliseconds that leave a rollout of so many instances time for pulls, starts and probes, too */
export function enoughFor(waits: Waits, instances: number): number {
  return DEADLINE_FACTOR * leastOf(waits, instances).ms;
}

function parseService(text: string): Parsed<string> {
  return isDnsLabel(text)
    ? text
    : { problem: `"${text}" can not be the name of a service; a name is ${DNS_LABEL_RULE}` };
}
