/** Pure: the tables of keys.ts as docs/reference/compose.md. */
import * as keys from './keys';
import type { KeyTable } from './keys';

const SECTIONS: readonly (readonly [string, KeyTable])[] = [
  ['', keys.SERVICE_KEYS],
  ['healthcheck', keys.HEALTHCHECK_KEYS],
  ['ports[]', keys.PORT_KEYS],
  ['volumes[]', keys.VOLUME_KEYS],
  ['volumes[].bind', keys.BIND_KEYS],
  ['volumes[].volume', keys.VOLUME_OPTION_KEYS],
  ['volumes[].tmpfs', keys.TMPFS_KEYS],
  ['ulimits.<name>', keys.ULIMIT_KEYS],
  ['deploy', keys.DEPLOY_KEYS],
  ['deploy.placement', keys.PLACEMENT_KEYS],
  ['deploy.resources', keys.RESOURCES_KEYS],
  ['deploy.resources.limits', keys.LIMITS_KEYS],
  ['deploy.resources.reservations', keys.RESERVATIONS_KEYS],
  ['deploy.restart_policy', keys.RESTART_POLICY_KEYS],
  ['x-berth', keys.BERTH_KEYS],
];

const INTRODUCTION = `# Compose keys

A service document is a service of the Compose Specification. This table says for every key what Berth does with it.
It is made from \`coordinator/compose/keys.ts\` (\`UPDATE_REFERENCE=1 npm test -- coordinator/compose/reference.test.ts\`).

- **yes**: supported, with the specification's meaning.
- **planned**: refused until then; the note says what to do meanwhile.
- **no**: refused; the note says why, or what to use instead.

Keys that begin with \`x-\` are taken and ignored, \`x-berth\` aside. Top-level keys of a Compose file are the matter of
\`berth apply\`: [cli.md](cli.md).
`;

const WORDS = { supported: 'yes', planned: 'planned', refused: 'no' } as const;

export function composeReference(): string {
  const sections = SECTIONS.map(([name, table]) => {
    const rows = Object.entries(table).map(([key, { is, note }]) => `| \`${key}\` | ${WORDS[is]} | ${note ?? ''} |`);
    return `## ${name === '' ? 'A service' : `\`${name}\``}\n\n| key | | note |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
  });
  return `${INTRODUCTION}\n${sections.join('\n')}`;
}
