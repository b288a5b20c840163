import type { Parsed } from './read';

/** Linux, HOST_NAME_MAX: a container with a longer one does not start. */
const MAX_CHARACTERS = 64;
const LABEL = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?$/;

/** RFC 1123 names, with or without dots. */
export function parseHostname(text: string): Parsed<string> {
  if (text === '' || (text.length <= MAX_CHARACTERS && text.split('.').every((label) => LABEL.test(label))))
    return text;
  return {
    problem: `"${text}" is no hostname; write letters, digits, "-" and dots between them, ${MAX_CHARACTERS} characters at most`,
  };
}
