/** From where, and for which machine, the image of a service comes: platform, pull_policy. */
import type { Parsed } from './read';

/** "os/arch[/variant]", as of the OCI image specification. */
export function parsePlatform(text: string): Parsed<string> {
  if (/^linux\/[a-z0-9_]+(?:\/[a-z0-9]+)?$/.test(text)) return text;
  if (/^windows(?:\/|$)/.test(text))
    return { problem: `"${text}": hosts run Linux; write linux/amd64, linux/arm64, …` };
  return { problem: `"${text}" is no platform; write linux/amd64, linux/arm64/v8, …` };
}

/** @returns "" for "missing", which is what holds when nothing is said */
export function parsePullPolicy(text: string): Parsed<string> {
  if (text === 'missing' || text === 'if_not_present') return '';
  if (text === 'always' || text === 'never') return text;
  if (text === 'build') return { problem: 'hosts only run images: build one, push it, and leave pull_policy out' };
  if (/^(?:daily|weekly|refresh|every_.*)$/.test(text))
    return {
      problem: `"${text}": an image is pulled when a container is made, never by the clock; write always, or a new tag`,
    };
  return { problem: `"${text}" is none of missing, always and never` };
}
