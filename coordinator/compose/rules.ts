/** Codes of what can be wrong with a service document; docs/reference/problems.md explains each. */
export const RULES = [
  'yaml-syntax',
  'too-large',
  'unknown-key',
  'unsupported-key',
  'missing-key',
  'wrong-type',
  'bad-value',
  'bad-name',
  'out-of-range',
  'duplicate-port',
  'missing-config',
  'unreadable-config',
  'conflict',
  'cycle',
] as const;
export type Rule = (typeof RULES)[number];
