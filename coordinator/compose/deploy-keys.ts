/** Keys of `deploy`, and of what it holds. */
import { no, yes, type KeyTable } from '../../lib/compose/key-table';

export const DEPLOY_KEYS: KeyTable = {
  endpoint_mode: no('there are no virtual addresses; every instance has its own'),
  labels: no('use labels of the service, which containers carry'),
  mode: yes('replicated or global'),
  placement: yes(),
  replicas: yes('1 unless given, 100000 at most; a host gets 1000 instances at most, of all services'),
  resources: yes(),
  restart_policy: yes(),
  rollback_config: yes('how the service goes back to its last whole release'),
  update_config: yes('how the service moves to a new release'),
};

export const PLACEMENT_KEYS: KeyTable = {
  constraints: yes('node.hostname, node.labels.<label>, node.platform.os or node.platform.arch, == or !='),
  max_replicas_per_node: yes('of a replicated service; no limit unless given'),
  preferences: yes('the weightiest first; hosts are spread over evenly in any case'),
};

export const RESOURCES_KEYS: KeyTable = { limits: yes(), reservations: yes() };

export const LIMITS_KEYS: KeyTable = { cpus: yes(), memory: yes(), pids: yes('4096 unless given') };

export const RESERVATIONS_KEYS: KeyTable = {
  cpus: yes(),
  devices: yes('GPUs and other devices that a driver hands out'),
  generic_resources: yes('what hosts have of them is in the settings of their agents'),
  memory: yes(),
};

export const RESTART_POLICY_KEYS: KeyTable = {
  condition: yes('any unless given; on-failure, none'),
  delay: yes('0s unless given: the first restart is immediate, later ones back off from 1 s to 1 min'),
  max_attempts: yes('no limit unless given'),
  window: yes('5s unless given: a container that ran so long has started well'),
};
/** Swarm's meaning of each; its defaults are others where Berth's are safer. */
export const UPDATE_CONFIG_KEYS: KeyTable = {
  delay: yes('0s unless given: between one batch and the next'),
  failure_action: yes('rollback unless given; pause, continue'),
  max_failure_ratio: yes('0 unless given; of new instances, how many may fail, in thousandths at the finest'),
  monitor: yes('5s unless given: so long a new instance has to be healthy before it counts'),
  order: yes(
    'start-first, stop-first; unless given start-first where no fixed host port or address, network_mode: host or writable volume forbids it',
  ),
  parallelism: yes('1 unless given; 0 is all at once, 1,000 at most'),
};
export const ROLLBACK_CONFIG_KEYS: KeyTable = {
  ...UPDATE_CONFIG_KEYS,
  failure_action: yes('pause unless given; continue'),
};
export const PREFERENCE_KEYS: KeyTable = { spread: yes('node.labels.<label>') };
export const GENERIC_RESOURCE_KEYS: KeyTable = { discrete_resource_spec: yes('required') };
export const DISCRETE_RESOURCE_KEYS: KeyTable = { kind: yes('required'), value: yes('required; a whole number') };
export const DEVICE_REQUEST_KEYS: KeyTable = {
  capabilities: yes('required in deploy; gpu is added to those of gpus'),
  count: yes('all unless given'),
  device_ids: yes('instead of count'),
  driver: yes(),
  options: yes(),
};
