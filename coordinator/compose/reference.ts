/** Pure: the tables of keys.ts as docs/reference/compose.md. */
import { FILE_KEYS, FILE_NETWORK_KEYS, FILE_VOLUME_KEYS } from '../../lib/compose/file-keys';
import type { KeyTable } from '../../lib/compose/key-table';
import * as berth from './berth-keys';
import * as container from './container-keys';
import * as deploy from './deploy-keys';
import { SERVICE_KEYS } from './keys';

/** By where they stand; several that take the same keys are one table. */
export const SECTIONS: readonly (readonly [readonly string[], KeyTable])[] = [
  [[''], SERVICE_KEYS],
  [['blkio_config'], container.BLOCK_IO_KEYS],
  [
    ['device_read_bps[]', 'device_write_bps[]', 'device_read_iops[]', 'device_write_iops[]'].map(
      (list) => `blkio_config.${list}`,
    ),
    container.DEVICE_RATE_KEYS,
  ],
  [['blkio_config.weight_device[]'], container.DEVICE_WEIGHT_KEYS],
  [['depends_on.<name>'], container.DEPENDENCY_KEYS],
  [['deploy'], deploy.DEPLOY_KEYS],
  [['deploy.placement'], deploy.PLACEMENT_KEYS],
  [['deploy.placement.preferences[]'], deploy.PREFERENCE_KEYS],
  [['deploy.resources'], deploy.RESOURCES_KEYS],
  [['deploy.resources.limits'], deploy.LIMITS_KEYS],
  [['deploy.resources.reservations'], deploy.RESERVATIONS_KEYS],
  [['deploy.resources.reservations.devices[]', 'gpus[]'], deploy.DEVICE_REQUEST_KEYS],
  [['deploy.resources.reservations.generic_resources[]'], deploy.GENERIC_RESOURCE_KEYS],
  [['deploy.resources.reservations.generic_resources[].discrete_resource_spec'], deploy.DISCRETE_RESOURCE_KEYS],
  [['deploy.restart_policy'], deploy.RESTART_POLICY_KEYS],
  [['deploy.rollback_config'], deploy.ROLLBACK_CONFIG_KEYS],
  [['deploy.update_config'], deploy.UPDATE_CONFIG_KEYS],
  [['devices[]'], container.DEVICE_KEYS],
  [['healthcheck'], container.HEALTHCHECK_KEYS],
  [['logging'], container.LOGGING_KEYS],
  [['networks.<name>'], container.NETWORK_KEYS],
  [['ports[]'], container.PORT_KEYS],
  [['post_start[]', 'pre_stop[]'], container.HOOK_KEYS],
  [['ulimits.<name>'], container.ULIMIT_KEYS],
  [['volumes[]'], container.VOLUME_KEYS],
  [['volumes[].bind'], container.BIND_KEYS],
  [['volumes[].volume'], container.VOLUME_OPTION_KEYS],
  [['volumes[].tmpfs'], container.TMPFS_KEYS],
  [['x-berth'], berth.BERTH_KEYS],
  [['x-berth.before'], berth.BEFORE_KEYS],
  [['x-berth.metrics'], berth.METRICS_KEYS],
  [['x-berth.on_disconnect'], berth.ON_DISCONNECT_KEYS],
  [['x-berth.probe'], berth.PROBE_KEYS],
  [['x-berth.probe.http'], berth.HTTP_PROBE_KEYS],
  [['x-berth.probe.tcp'], berth.TCP_PROBE_KEYS],
  [['x-berth.probe.grpc'], berth.GRPC_PROBE_KEYS],
  [['x-berth.volumes.<name>'], berth.BERTH_VOLUME_KEYS],
];
const FILE_SECTIONS: readonly (readonly [string, KeyTable])[] = [
  ['A file', FILE_KEYS],
  ['`networks.<name>` of a file', FILE_NETWORK_KEYS],
  ['`volumes.<name>` of a file', FILE_VOLUME_KEYS],
];

const INTRODUCTION = `# Compose keys

A service document is a service of the Compose Specification. This table says for every key what Berth does with it.
It is made from \`coordinator/compose/keys.ts\` (\`UPDATE_REFERENCE=1 npm test -- coordinator/compose/reference.test.ts\`).

- **yes**: supported, with the specification's meaning.
- **planned**: refused until then; the note says what to do meanwhile.
- **no**: refused; the note says why, or what to use instead.

What is below a key that is planned or refused is that as well. Keys that begin with \`x-\` are taken and ignored,
\`x-berth\` aside. The keys of a Compose file around its services are the matter of \`berth apply\`: [cli.md](cli.md).

## Placeholders

In \`environment\`, \`command\`, \`entrypoint\`, \`labels\`, \`hostname\`, sources and targets of \`volumes\`, and in drivers’
options and labels of volumes, the agent fills these in when it makes the container, as Swarm does:

| placeholder | |
| --- | --- |
| \`{{.Service.Name}}\`, \`{{.Service.ID}}\` | the service |
| \`{{.Service.Labels.NAME}}\`, \`{{index .Service.Labels "NAME"}}\` | a label of the service; in labels themselves not |
| \`{{.Config.KEY}}\` | what the [config layers](../operations.md#configuration-shared-by-services) say of the key |
| \`{{.Task.Slot}}\` | the place of the instance in its service, from 1 |
| \`{{.Task.ID}}\` | the instance |
| \`{{.Task.Name}}\` | the container |
| \`{{.Node.Hostname}}\` | the host, as Berth calls it |
| \`{{.Node.ID}}\` | the host’s agent, the same after every restart |
| \`{{"{{"}}\` | the braces themselves |
`;

const WORDS = { supported: 'yes', planned: 'planned', refused: 'no' } as const;

export function composeReference(): string {
  const service = SECTIONS.map(([paths, table]) => section(title(paths), table));
  const file = FILE_SECTIONS.map(([name, table]) => section(name, table));
  return `${INTRODUCTION}\n${[...service, ...file].join('\n')}`;
}

function title(paths: readonly string[]): string {
  return paths[0] === '' ? 'A service' : paths.map((path) => `\`${path}\``).join(', ');
}

function section(name: string, table: KeyTable): string {
  const rows = Object.entries(table).map(
    ([key, { is, note }]) => `| \`${key}\` | ${WORDS[is]} | ${(note ?? '').replaceAll('|', '\\|')} |`,
  );
  return `## ${name}\n\n| key | | note |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
}
