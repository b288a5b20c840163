/** deploy.placement: on which hosts instances are, and over what they are spread. */
import type { DeploySpec } from '../../lib/documents/types';
import { parseConstraint, parseSpread } from './constraint';
import { PLACEMENT_KEYS, PREFERENCE_KEYS } from './deploy-keys';
import type { Reader } from './read';

const MAX_PER_NODE = 1_000_000;
/** Each is another look at every host. */
const MAX_PREFERENCES = 8;

type Placing = Pick<DeploySpec, 'constraints' | 'spread' | 'maxReplicasPerNode'>;

export function readPlacement(reader: Reader, mode: string): Placing {
  const placement = reader.fields(PLACEMENT_KEYS);
  const most = placement?.at('max_replicas_per_node');
  const maxReplicasPerNode = most?.integer(0, MAX_PER_NODE) ?? 0;
  if (mode === 'global' && maxReplicasPerNode > 0)
    most?.bad('a global service has one instance on every host that fits; leave max_replicas_per_node out');
  return {
    constraints: readConstraints(placement?.at('constraints')),
    spread: readPreferences(placement?.at('preferences')),
    maxReplicasPerNode,
  };
}

function readConstraints(reader: Reader | undefined): readonly string[] {
  return (reader?.items() ?? []).flatMap((item) => {
    const text = item.text();
    const constraint = text === undefined ? undefined : parseConstraint(text);
    if (constraint !== undefined && 'problem' in constraint) return item.bad(constraint.problem) ?? [];
    return text === undefined ? [] : [text.trim()];
  });
}

/** @returns labels of hosts */
function readPreferences(reader: Reader | undefined): readonly string[] {
  const items = reader?.items() ?? [];
  if (items.length > MAX_PREFERENCES)
    reader?.outOfRange(`more than ${MAX_PREFERENCES} preferences; leave the last out`);
  const labels = new Set<string>();
  for (const item of items.slice(0, MAX_PREFERENCES)) {
    const fields = item.fields(PREFERENCE_KEYS);
    if (!item.isSet) item.wrong('a map is wanted: spread: node.labels.LABEL');
    const spread = fields?.at('spread');
    if (spread?.isSet === false) fields?.missing('spread', 'spread is missing: node.labels.LABEL');
    const label = spread?.parse(parseSpread);
    if (label === undefined) continue;
    if (labels.has(label)) spread?.bad(`instances are spread over node.labels.${label} already; leave this out`);
    labels.add(label);
  }
  return [...labels];
}
