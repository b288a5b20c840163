/** Layers of config in the simulated cluster: what its operators write, mend, and may expect of containers. */
import type { MemoryContainer } from '../../agent/docker/simulated/memory-container';
import { compileService } from '../../coordinator/compose/compile';
import { ConfigReader } from '../../coordinator/config-reader';
import { hostConfig, resolveConfig } from '../../coordinator/releases/resolve-config';
import type { ConfigLayers } from '../../coordinator/view';
import { effectiveConfig, takenFrom, type Config } from '../../lib/release/config';
import { keys, type SimulatedCluster } from './simulated-cluster';

export const LAYERS = ['{"COLOR":"red"}', '{"COLOR":"blue"}', 'COLOR: green\nSIZE: 3\n', '{}', '['];
/** Of a service that takes one value, by its name. */
export const TAKES_COLOR = 'environment: { COLOR: "{{.Config.COLOR}}" }';

/** What can't be read is taken away, and there is what anybody may take. */
export async function mendLayers(cluster: SimulatedCluster): Promise<void> {
  const { kvs } = await cluster.etcd.range({ prefix: keys.config });
  for (const { key, value } of kvs) if (value === '[') await cluster.write(key, '{}');
  await cluster.write(keys.clusterConfig, '{"COLOR":"red"}');
}

export async function layersOf(cluster: SimulatedCluster): Promise<ConfigLayers> {
  const reader = new ConfigReader();
  for (const kv of (await cluster.etcd.range({ prefix: keys.config })).kvs)
    reader.read(kv.key.slice(keys.config.length), kv);
  return reader.layers;
}

/** @returns what is wrong with the values that a service's container was made with, for people */
export function wrongConfig(
  { request }: MemoryContainer,
  document: string,
  host: string,
  layers: ConfigLayers,
): readonly string[] {
  const compiled = compileService(request.service, document);
  if (!compiled.ok) return [];
  const { container } = compiled;
  const { values } = resolveConfig(compiled, layers, request.service);
  const wanted = effectiveConfig(values, hostConfig(container, layers, host));
  const [is, should] = [takenFrom(request.config, container), wanted].map(textOf);
  return is === should ? [] : [`${host}: ${request.instance} has the config ${is}, and ${should} is wanted`];
}

function textOf(config: Config): string {
  return JSON.stringify(Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1)));
}
