import type { Parsed } from './read';

const NAME = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const DOMAIN = String.raw`(?:(?:${NAME}(?:\.${NAME})*|\[[0-9a-fA-F:]+\])(?::\d+)?/)?`;
const PART = String.raw`[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`;
/** The grammar of distribution/reference. */
const IMAGE = new RegExp(`^${DOMAIN}${PART}(?:/${PART})*(?::[\\w][\\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$`);
/** Registry, 255 characters of a name, a tag and a digest; also bounds what the expression backtracks. */
const MAX_CHARACTERS = 700;

/** "registry/name:tag@sha256:…", each part but the name optional; returned as written. */
export function parseImage(text: string): Parsed<string> {
  if (text.length <= MAX_CHARACTERS && IMAGE.test(text)) return text;
  return {
    problem: `"${text}" is no image reference${hint(text)}; write name:tag, registry.example.com/name:tag, or name@sha256:…`,
  };
}

function hint(text: string): string {
  if (text.includes('$')) return ' (only "berth apply" fills in variables)';
  if (/^https?:/.test(text)) return ' (it has no scheme)';
  return /[A-Z]/.test(text.split(/[:@]/)[0] ?? '') ? ' (the name has to be lower case)' : '';
}
