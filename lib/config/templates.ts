/** The setting `templates`: which files the agent renders, and what is run for each. */
import { nearestName } from '../nearest';
import { asDurationMs } from './parse';
import type { Refuse, StructuredSetting } from './settings';

export interface TemplateSetting {
  /** Path of the template. */
  readonly src: string;
  /** Path of the file that is made of it. */
  readonly dest: string;
  /** Command that says whether a file is good, by its exit code; it is named by $FILE. */
  readonly check?: string;
  /** Command that is run when dest has changed. */
  readonly reload?: string;
  /** Permission bits of dest; undefined: as they are, or 0644. */
  readonly mode?: number;
  /** "user" or "user:group", names or numbers; undefined: as it is, or the agent's. */
  readonly owner?: string;
  /** Milliseconds from one change of dest to the next, at least. */
  readonly interval: number;
}

/** Each is a worker, a rendering at every change and two looks at the disk every few seconds. */
export const MAX_TEMPLATES = 100;
/** A proxy that is reloaded more often keeps a crowd of old workers, each with its memory. */
export const DEFAULT_INTERVAL_MS = 1000;

const REQUIRED = ['src', 'dest'] as const;
const KEYS = [...REQUIRED, 'check', 'reload', 'mode', 'owner', 'interval'] as const;
const asInterval = asDurationMs(100, 3_600_000);

export const templatesSetting: StructuredSetting<readonly TemplateSetting[]> = {
  read: (value, refuse) => {
    if (value === undefined || value === null) return Object.freeze([]);
    if (!Array.isArray(value)) {
      refuse('', 'wants a list of maps, each with src and dest');
      return [];
    }
    if (value.length > MAX_TEMPLATES) refuse('', `has ${value.length} entries; ${MAX_TEMPLATES} is the most`);
    const read = value.map((one: unknown, index) => readOne(one, (path, why) => refuse(`[${index}]${path}`, why)));
    refuseClashes(read, refuse);
    return Object.freeze(read);
  },
};

function readOne(value: unknown, refuse: Refuse): TemplateSetting {
  const found = Object.freeze({ src: '', dest: '', interval: DEFAULT_INTERVAL_MS });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    refuse('', 'wants a map with src and dest');
    return found;
  }
  const texts = new Map<string, string>();
  for (const [key, given] of Object.entries(value)) {
    if (!(KEYS as readonly string[]).includes(key)) {
      const nearest = nearestName(key, KEYS);
      refuse(
        '',
        `has no "${key}"; ${nearest === undefined ? `there are ${KEYS.join(', ')}` : `did you mean "${nearest}"?`}`,
      );
    } else if ((typeof given !== 'string' && typeof given !== 'number') || given === '')
      refuse(`.${key}`, 'wants a text');
    else texts.set(key, String(given));
  }
  for (const key of REQUIRED) {
    const path = texts.get(key);
    if (path === undefined && !Object.hasOwn(value, key)) refuse('', `has no ${key}`);
    if (path !== undefined && !isPath(path)) refuse(`.${key}`, `"${path}" is not an absolute path of a file`);
  }
  const parsed = <T>(key: string, parse: (text: string) => T): T | undefined => {
    try {
      return texts.has(key) ? parse(texts.get(key)!) : undefined;
    } catch (error) {
      refuse(`.${key}`, (error as Error).message);
      return undefined;
    }
  };
  const mode = parsed('mode', asMode);
  const owner = parsed('owner', asOwner);
  const [check, reload] = [texts.get('check'), texts.get('reload')];
  return Object.freeze({
    ...{ src: texts.get('src') ?? '', dest: texts.get('dest') ?? '' },
    ...(check !== undefined && { check }),
    ...(reload !== undefined && { reload }),
    ...(mode !== undefined && { mode }),
    ...(owner !== undefined && { owner }),
    interval: parsed('interval', asInterval) ?? DEFAULT_INTERVAL_MS,
  });
}

/** Two that write one file would undo each other for ever; so would one that reads what another writes. */
function refuseClashes(templates: readonly TemplateSetting[], refuse: Refuse): void {
  for (const [index, { dest }] of templates.entries()) {
    if (dest === '') continue;
    const other = templates.findIndex((one) => one.dest === dest);
    if (other < index) refuse(`[${index}].dest`, `"${dest}" is that of templates[${other}] too`);
    const source = templates.findIndex(({ src }) => src === dest);
    if (source >= 0) refuse(`[${index}].dest`, `"${dest}" is the src of templates[${source}]`);
  }
}

/** One way to write each path, so that two that are the same are seen to be. */
function isPath(path: string): boolean {
  return /^(\/[^/]+)+$/.test(path) && !/(^|\/)\.{1,2}(\/|$)/.test(path) && !path.includes('\0');
}

function asMode(text: string): number {
  if (!/^(0o?)?[0-7]{3}$/.test(text)) throw new Error(`"${text}" is not a mode; write three octal digits: 0640`);
  return parseInt(text.slice(-3), 8);
}

function asOwner(text: string): string {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$/.test(text))
    throw new Error(`"${text}" is not an owner; write user or user:group`);
  return text;
}
