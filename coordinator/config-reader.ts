/** Keeps the layers of config up with etcd: the last good of what can't be read counts. */
import type { Problem } from '../lib/documents/types';
import type { KeyValue } from '../lib/etcd/store';
import { DNS_LABEL_RULE, isDnsLabel } from '../lib/names';
import { MAX_HOST_LAYER_BYTES, MAX_LAYER_BYTES, readConfigLayer } from './releases/config-layer';
import type { ConfigLayer, ConfigLayers } from './view';

const LAYER_PATH = /^(services|hosts)\/([^/]+)$/;
const NO_LAYER_KEY =
  'layers of config are config/cluster, config/services/<service> and config/hosts/<host>; this one counts for nobody';

export class ConfigReader {
  private cluster: ConfigLayer | undefined;
  private readonly services = new Map<string, ConfigLayer>();
  private readonly hosts = new Map<string, ConfigLayer>();

  get layers(): ConfigLayers {
    return { cluster: this.cluster, services: this.services, hosts: this.hosts };
  }

  /**
   * @param path of its key, below config/
   * @returns what is wrong with it
   */
  read(path: string, kv: KeyValue | undefined): Problem | undefined {
    if (path === 'cluster') {
      const [layer, problem] = readLayer(path, kv, this.cluster, MAX_LAYER_BYTES);
      this.cluster = layer;
      return problem;
    }
    const [, kind, name = ''] = LAYER_PATH.exec(path) ?? [];
    if (kind === undefined) return kv && wrong(kv, 'bad-name', NO_LAYER_KEY);
    if (!isDnsLabel(name))
      return kv && wrong(kv, 'bad-name', `"${name}" is nobody's name; a name is ${DNS_LABEL_RULE}`);
    const layers = kind === 'services' ? this.services : this.hosts;
    const maxBytes = kind === 'services' ? MAX_LAYER_BYTES : MAX_HOST_LAYER_BYTES;
    const [layer, problem] = readLayer(path, kv, layers.get(name), maxBytes);
    if (layer === undefined) layers.delete(name);
    else layers.set(name, layer);
    return problem;
  }
}

function readLayer(
  path: string,
  kv: KeyValue | undefined,
  before: ConfigLayer | undefined,
  maxBytes: number,
): readonly [ConfigLayer | undefined, Problem?] {
  if (kv === undefined) return [undefined];
  const { key, value, modRevision } = kv;
  const reading = readConfigLayer(value, maxBytes);
  if (reading.ok) return [{ values: reading.values, modRevision }];
  const [first, ...others] = reading.problems;
  const { line, column } = first!;
  const more = others.length === 0 ? '' : ` (and ${others.length} more problems)`;
  // Logs and lists of hosts show nothing else.
  const message = `config/${path}, line ${line}:${column}: ${first!.message}${more}`;
  return [
    { values: before?.values, modRevision },
    { ...first!, message, key },
  ];
}

function wrong({ key }: KeyValue, rule: string, message: string): Problem {
  return { rule, path: '', line: 0, column: 0, message, key };
}
