/** Keys of `deploy`, and of what it holds. */
import { no, planned, yes, type KeyTable } from '../../lib/compose/key-table';

export const DEPLOY_KEYS: KeyTable = {
  endpoint_mode: no('there are no virtual addresses; every instance has its own'),
  labels: no('use labels of the service, which containers carry'),
  mode: yes('replicated or global'),
  placement: yes(),
  replicas: yes('1 unless given'),
  resources: yes(),
  restart_policy: yes(),
  rollback_config: planned('rollouts replace one instance after another'),
  update_config: planned(
    'rollouts replace one instance after another, start-first where no host port or writable volume forbids it',
  ),
};

export const PLACEMENT_KEYS: KeyTable = {
  constraints: yes('node.hostname or node.labels.<label>, == or !='),
  max_replicas_per_node: planned('instances are spread evenly'),
  preferences: planned('instances are spread evenly'),
};

export const RESOURCES_KEYS: KeyTable = { limits: yes(), reservations: yes() };

export const LIMITS_KEYS: KeyTable = { cpus: yes(), memory: yes(), pids: yes('4096 unless given') };

export const RESERVATIONS_KEYS: KeyTable = {
  cpus: yes(),
  devices: yes('GPUs and other devices that a driver hands out'),
  generic_resources: planned('named resources come with the next steps'),
  memory: yes(),
};

export const RESTART_POLICY_KEYS: KeyTable = {
  condition: yes('any unless given; on-failure, none'),
  delay: yes('0s unless given: the first restart is immediate, later ones back off from 1 s to 1 min'),
  max_attempts: yes('no limit unless given'),
  window: yes('5s unless given: a container that ran so long has started well'),
};
export const DEVICE_REQUEST_KEYS: KeyTable = {
  capabilities: yes('required in deploy; gpu is added to those of gpus'),
  count: yes('all unless given'),
  device_ids: yes('instead of count'),
  driver: yes(),
  options: yes(),
};
