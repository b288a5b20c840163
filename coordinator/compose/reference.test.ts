import { readFileSync, writeFileSync } from 'node:fs';
import { composeReference } from './reference';
import { RULES } from './rules';

const FILE = 'docs/reference/compose.md';

test('docs/reference/compose.md is what the tables say', () => {
  if (process.env['UPDATE_REFERENCE'] === '1') writeFileSync(FILE, composeReference());
  expect(readFileSync(FILE, 'utf8')).toBe(composeReference());
});

test('docs/reference/problems.md explains every rule', () => {
  const text = readFileSync('docs/reference/problems.md', 'utf8');
  expect(RULES.filter((rule) => !text.includes(`| \`${rule}\` |`))).toEqual([]);
});
