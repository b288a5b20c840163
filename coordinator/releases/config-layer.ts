/** Pure: the text of one layer of config → its values, or everything that is wrong with it. */
import type { Problem } from '../../lib/documents/types';
import { CONFIG_KEY_RULE, isConfigKey } from '../../lib/release/placeholders';
import { isMap } from '../../lib/yaml/fields';
import { parseText } from '../compose/parse';
import { Places } from '../compose/places';
import { Problems } from '../compose/problems';
import { Reader } from '../compose/read';

/** A release holds the values of two layers, beside a document of 256 KiB: all of it has to fit into one etcd request. */
export const MAX_LAYER_BYTES = 64 * 1024;
/** An assignment may hold its host's layer once per instance, and is one etcd request of 1.5 MB, too. */
export const MAX_HOST_LAYER_BYTES = 4 * 1024;

export type LayerReading =
  | { readonly ok: true; readonly values: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Never throws, whatever the text.
 * @param text JSON or YAML: one flat map. Numbers and booleans count as they are written
 */
export function readConfigLayer(text: string, maxBytes: number): LayerReading {
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes) {
    const problems = new Problems(new Places(''));
    const advice = 'mount large values as files, or keep them in the services that take them';
    problems.add('too-large', [], `the layer has ${bytes} bytes; ${maxBytes} are the limit; ${advice}`);
    return { ok: false, problems: problems.sorted };
  }
  const { problems, isReadable, value } = parseText(text);
  const values = isReadable ? readValues(new Reader(problems, value, [], 'verbatim')) : new Map<string, string>();
  return problems.isEmpty ? { ok: true, values } : { ok: false, problems: problems.sorted };
}

function readValues(layer: Reader): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  if (!isMap(layer.value)) {
    const hint = layer.isSet
      ? 'a map of keys and values is wanted'
      : 'the layer is empty; write {} for one without values';
    layer.problems.add('wrong-type', [], hint);
    return values;
  }
  for (const key of Object.keys(layer.value)) {
    const at = layer.at(key);
    if (!isConfigKey(key))
      at.problems.addKey('bad-name', at.path, `"${key}" can not be a key of config; a key is ${CONFIG_KEY_RULE}`);
    else if (!at.isSet) at.wrong(`${key} has no value; write "" for an empty one`);
    else if (typeof at.value === 'object')
      at.wrong(`${key} is nested; a layer is flat: write each value under a key of its own`);
    const value = typeof at.value === 'object' ? undefined : at.text();
    if (value !== undefined) values.set(key, value);
  }
  return values;
}
