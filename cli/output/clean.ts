import { UNPRINTABLE } from '../../lib/unprintable';

/** On one line, and without what a terminal would obey: texts come from engines, images and other people's files. */
export function clean(text: string): string {
  return text.replace(/\s+/g, ' ').replace(UNPRINTABLE, '\ufffd');
}
