/** deploy.update_config and rollback_config: Swarm's meaning, Berth's defaults. docs/decisions/0015. */
import type { ContainerSpec, UpdateConfig } from '../../lib/documents/types';
import { ROLLBACK_CONFIG_KEYS, UPDATE_CONFIG_KEYS } from './deploy-keys';
import type { Parsed, Reader } from './read';

const MAX_PARALLELISM = 1_000_000;
const MAX_WAIT_MS = 24 * 3_600_000;

export const DEFAULT_UPDATE_CONFIG: UpdateConfig = {
  ...{ order: '', parallelism: 1, delayMs: 0, monitorMs: 5000, maxFailurePerMille: 0, failureAction: 'rollback' },
};
/** What goes back has failed once already: it stops and waits for people. */
export const DEFAULT_ROLLBACK_CONFIG: UpdateConfig = { ...DEFAULT_UPDATE_CONFIG, failureAction: 'pause' };

/** @param container that two of one slot would be of */
export function readUpdateConfig(reader: Reader, container: ContainerSpec): UpdateConfig {
  const failureAction = reader.at('failure_action').oneOf(['rollback', 'pause', 'continue']);
  return read(reader.fields(UPDATE_CONFIG_KEYS), container, DEFAULT_UPDATE_CONFIG, failureAction);
}

export function readRollbackConfig(reader: Reader, container: ContainerSpec): UpdateConfig {
  const failureAction = reader.at('failure_action').parse(parseRollbackAction);
  return read(reader.fields(ROLLBACK_CONFIG_KEYS), container, DEFAULT_ROLLBACK_CONFIG, failureAction);
}

function read(
  fields: Reader | undefined,
  container: ContainerSpec,
  otherwise: UpdateConfig,
  failureAction: string | undefined,
): UpdateConfig {
  if (fields === undefined) return otherwise;
  const wait = (key: string): number | undefined => fields.at(key).duration(0, MAX_WAIT_MS);
  const order = fields.at('order').oneOf(['start-first', 'stop-first']);
  const obstacle = order === 'start-first' ? whyNotTwo(container) : undefined;
  if (obstacle !== undefined)
    fields
      .at('order')
      .bad(`start-first makes a second instance before the first is gone, but ${obstacle}; write stop-first`);
  return {
    order: order ?? otherwise.order,
    parallelism: fields.at('parallelism').integer(0, MAX_PARALLELISM) ?? otherwise.parallelism,
    delayMs: wait('delay') ?? otherwise.delayMs,
    monitorMs: wait('monitor') ?? otherwise.monitorMs,
    maxFailurePerMille: fields.at('max_failure_ratio').parse(parsePerMille) ?? otherwise.maxFailurePerMille,
    failureAction: failureAction ?? otherwise.failureAction,
  };
}

/** What one host gives to one container alone. Volumes are none of it: whether two may write one, the operator says. */
function whyNotTwo({ ports, networks }: ContainerSpec): string | undefined {
  const port = ports.find(({ published }) => published > 0);
  if (port !== undefined) return `only one can have the host port ${port.published}`;
  const address = networks
    .flatMap(({ ipv4Address, ipv6Address, macAddress, linkLocalIps }) => [
      ...[ipv4Address, ipv6Address, macAddress],
      ...linkLocalIps,
    ])
    .find((one) => one !== '');
  return address === undefined ? undefined : `only one can have the address ${address}`;
}

function parseRollbackAction(text: string): Parsed<string> {
  if (text === 'pause' || text === 'continue') return text;
  if (text === 'rollback') return { problem: 'there is nothing further to roll back to; write pause or continue' };
  return { problem: `"${text}" is none of pause, continue` };
}

/** "0.25" → 250 */
function parsePerMille(text: string): Parsed<number> {
  const ratio = /^(?:\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : NaN;
  const perMille = Math.round(ratio * 1000);
  if (!(ratio >= 0 && ratio <= 1)) return { problem: `"${text}" is no ratio; write one from 0 to 1, e.g. 0.25` };
  if (Math.abs(ratio * 1000 - perMille) > 1e-6)
    return { problem: `${text} is finer than a thousandth; write 0, or 0.001 and more` };
  return perMille;
}
