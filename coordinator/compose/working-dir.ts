import type { Parsed } from './read';

export function parseWorkingDir(text: string): Parsed<string> {
  return text === '' || text.startsWith('/') ? text : { problem: `"${text}" is relative; write an absolute path` };
}
