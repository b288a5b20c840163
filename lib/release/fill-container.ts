/** Pure: fills in the placeholders of a container for one instance on one host. */
import type { ContainerSpec, Mount } from '../documents/types';
import { fillPlaceholders, type PlaceholderName, type PlaceholderValues } from './placeholders';

type Texts = Readonly<Record<string, string>>;

type Values = Readonly<Record<PlaceholderName, string>>;

/**
 * @param config as the instance has it (effectiveConfig)
 * @returns the container as this instance has it, with all of config in its environment if it takes all of it; or what is
 *   wrong with the first placeholder that can't be filled in, for people
 */
export function fillContainer(
  container: ContainerSpec,
  values: Values,
  config: Texts,
): ContainerSpec | { readonly problem: string } {
  const filled = fillWith(container, values, (key) => (Object.hasOwn(config, key) ? config[key] : undefined));
  if ('problem' in filled || !container.configEnvironment) return filled;
  return { ...filled, environment: { ...config, ...filled.environment } };
}

/** @param config value of a key; undefined when no layer has it */
export function fillWith(
  container: ContainerSpec,
  values: Values,
  config: PlaceholderValues['config'],
): ContainerSpec | { readonly problem: string } {
  const filling = new Filling();
  const inLabels = { ...values, config, labels: undefined };
  const labels = filling.map(container.labels, inLabels);
  const all = { ...values, config, labels };
  const fill = (text: string): string => filling.text(text, all);
  const filled = {
    ...container,
    labels,
    command: container.command.map(fill),
    entrypoint: container.entrypoint.map(fill),
    environment: filling.map(container.environment, all),
    hostname: fill(container.hostname),
    mounts: container.mounts.map((mount) => fillMount(mount, fill, (map) => filling.map(map, all))),
  };
  return filling.problem === undefined ? filled : { problem: filling.problem };
}

function fillMount(mount: Mount, fill: (text: string) => string, fillMap: (map: Texts) => Texts): Mount {
  return {
    ...mount,
    source: fill(mount.source),
    target: fill(mount.target),
    volumeDriverOptions: fillMap(mount.volumeDriverOptions),
    volumeLabels: fillMap(mount.volumeLabels),
  };
}

class Filling {
  problem: string | undefined;

  text(text: string, values: PlaceholderValues): string {
    const filled = fillPlaceholders(text, values);
    if (typeof filled === 'string') return filled;
    this.problem ??= filled.problem;
    return '';
  }

  map(map: Texts, values: PlaceholderValues): Texts {
    return Object.fromEntries(Object.entries(map).map(([name, text]) => [name, this.text(text, values)]));
  }
}
