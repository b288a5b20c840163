import { parseImageReference } from '../../lib/image-reference';
import type { Parsed } from './read';

/** "registry/name:tag@sha256:…", each part but the name optional; returned as written. */
export function parseImage(text: string): Parsed<string> {
  if (parseImageReference(text) !== undefined) return text;
  return {
    problem: `"${text}" is no image reference${hint(text)}; write name:tag, registry.example.com/name:tag, or name@sha256:…`,
  };
}

function hint(text: string): string {
  if (text.includes('$')) return ' (only "berth apply" fills in variables)';
  if (/^https?:/.test(text)) return ' (it has no scheme)';
  return /[A-Z]/.test(text.split(/[:@]/)[0] ?? '') ? ' (the name has to be lower case)' : '';
}
