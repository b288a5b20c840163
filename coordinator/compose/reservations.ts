/** deploy.resources.reservations: what the scheduler sets aside. */
import type { ContainerSpec, DeploySpec } from '../../lib/documents/types';
import { parseBytes } from './bytes';
import { parseNanoCpus } from './cpus';
import { DISCRETE_RESOURCE_KEYS, GENERIC_RESOURCE_KEYS, RESERVATIONS_KEYS } from './deploy-keys';
import type { Parsed, Reader } from './read';

const MAX_RESOURCES = 32;
const MAX_RESOURCE = 1_000_000_000;
const KIND = /^[a-zA-Z0-9](?:[\w.-]*[a-zA-Z0-9])?$/;
const MAX_KIND_CHARACTERS = 63;

export function readReservations(reader: Reader, limits: ContainerSpec['limits']): DeploySpec['reservations'] {
  const fields = reader.fields(RESERVATIONS_KEYS);
  const nanoCpus = fields?.at('cpus').parse(parseNanoCpus) ?? 0;
  const memoryBytes = fields?.at('memory').parse(parseBytes) ?? 0;
  if (limits.nanoCpus > 0 && nanoCpus > limits.nanoCpus)
    fields?.at('cpus').bad('more CPUs are reserved than the limit allows');
  if (limits.memoryBytes > 0 && memoryBytes > limits.memoryBytes)
    fields?.at('memory').bad('more memory is reserved than the limit allows');
  return { nanoCpus, memoryBytes, resources: readResources(fields?.at('generic_resources')) };
}

function readResources(reader: Reader | undefined): DeploySpec['reservations']['resources'] {
  const items = reader?.items() ?? [];
  if (items.length > MAX_RESOURCES) reader?.outOfRange(`more than ${MAX_RESOURCES} resources`);
  const resources = new Map<string, number>();
  for (const item of items.slice(0, MAX_RESOURCES)) {
    const spec = item.fields(GENERIC_RESOURCE_KEYS)?.at('discrete_resource_spec');
    if (spec?.isSet !== true) {
      item.missing('discrete_resource_spec', 'discrete_resource_spec is missing: {kind: NAME, value: NUMBER}');
      continue;
    }
    const fields = spec.fields(DISCRETE_RESOURCE_KEYS);
    for (const key of ['kind', 'value']) if (fields?.at(key).isSet === false) fields.missing(key, `${key} is missing`);
    const kind = fields?.at('kind').parse(parseKind);
    const value = fields?.at('value').integer(1, MAX_RESOURCE);
    if (kind === undefined || value === undefined) continue;
    if (resources.has(kind)) fields?.at('kind').bad(`"${kind}" is reserved already; write one number for both`);
    resources.set(kind, value);
  }
  return Object.fromEntries(resources);
}

function parseKind(text: string): Parsed<string> {
  return KIND.test(text) && text.length <= MAX_KIND_CHARACTERS
    ? text
    : { problem: `"${text}" is no name of a resource; write letters, digits, "_", "." and "-"` };
}
