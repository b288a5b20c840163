/** Pure: values of the config layers, as releases and instances have them. docs/decisions/0015. */
import type { ContainerSpec } from '../documents/types';
import { fillWith } from './fill-container';

/** Values by key. */
export type Config = Readonly<Record<string, string>>;

/** What an instance is made with. @param own of its host, as its assignment has it */
export function effectiveConfig(ofRelease: Config, own: Config): Config {
  return Object.keys(own).length === 0 ? ofRelease : { ...ofRelease, ...own };
}

/** Containers are never changed, and are asked about with every plan. */
const known = new WeakMap<ContainerSpec, ReadonlySet<string>>();

/** Keys that a container names in {{.Config.KEY}}; one with configEnvironment takes all others, too. */
export function namedKeys(container: ContainerSpec): ReadonlySet<string> {
  const before = known.get(container);
  if (before !== undefined) return before;
  const keys = new Set<string>();
  fillWith(container, NO_VALUES, (key) => {
    keys.add(key);
    return '';
  });
  known.set(container, keys);
  return keys;
}

const NO_VALUES = {
  ...{ 'Service.Name': '', 'Service.ID': '', 'Task.ID': '', 'Task.Name': '', 'Task.Slot': '' },
  ...{ 'Node.Hostname': '', 'Node.ID': '' },
};

/** Of some values, those that a container takes. */
export function takenFrom(config: Config, container: ContainerSpec): Config {
  const entries = Object.entries(config);
  if (container.configEnvironment || entries.length === 0) return config;
  const named = namedKeys(container);
  return Object.fromEntries(entries.filter(([key]) => named.has(key)));
}
