import type { Parsed } from './read';

/** "user", "uid", "user:group" or "uid:gid"; whether the image knows them shows only when it starts. */
export function parseUser(text: string): Parsed<string> {
  return text === '' || /^[^\s:-][^\s:]*(?::[^\s:-][^\s:]*)?$/.test(text)
    ? text
    : { problem: `"${text}" is no user; write name, uid, name:group or uid:gid` };
}
