/** Keys of what a container is made from, below those of the service. */
import { no, planned, yes, type KeyTable } from '../../lib/compose/key-table';

export const HEALTHCHECK_KEYS: KeyTable = {
  disable: yes(),
  interval: yes(),
  retries: yes(),
  start_interval: yes('needs Docker 25 (API 1.44) on the host'),
  start_period: yes(),
  test: yes(),
  timeout: yes(),
};

export const PORT_KEYS: KeyTable = {
  app_protocol: no('nothing here reads it'),
  host_ip: yes(),
  mode: yes('host and ingress mean the same: the port of the host that runs the instance'),
  name: yes(),
  protocol: yes('tcp, udp or sctp'),
  published: yes('one port, or a range to pick a free one from'),
  target: yes(),
};

export const VOLUME_KEYS: KeyTable = {
  bind: yes(),
  consistency: no('it has no effect on Linux'),
  image: planned('use a volume or a bind mount'),
  read_only: yes(),
  source: yes(),
  target: yes(),
  tmpfs: yes(),
  type: yes('volume, bind or tmpfs'),
  volume: yes(),
};

export const BIND_KEYS: KeyTable = {
  create_host_path: yes('false unless given: a missing source is an error, not an empty folder'),
  propagation: yes('rprivate unless given'),
  recursive: yes('enabled or disabled'),
  selinux: no('set the label on the host'),
};

export const VOLUME_OPTION_KEYS: KeyTable = {
  labels: yes('of the volume, when it is made'),
  nocopy: yes(),
  subpath: yes('needs Docker 26 (API 1.45) on the host'),
};

export const TMPFS_KEYS: KeyTable = { mode: yes(), size: yes() };

export const ULIMIT_KEYS: KeyTable = { hard: yes(), soft: yes() };
export const NETWORK_KEYS: KeyTable = {
  aliases: yes(),
  driver_opts: yes(),
  gw_priority: planned('Docker picks the network of the default route; it needs API 1.48'),
  interface_name: planned('Docker names interfaces eth0, eth1, …; it needs API 1.49'),
  ipv4_address: yes(),
  ipv6_address: yes(),
  link_local_ips: yes(),
  mac_address: yes('of another network than the first it needs Docker 25 (API 1.44) on the host'),
  priority: yes('the highest is the first network, whose address probes and discovery use'),
};
export const DEVICE_KEYS: KeyTable = { permissions: yes('rwm unless given'), source: yes(), target: yes() };
export const BLOCK_IO_KEYS: KeyTable = {
  device_read_bps: yes(),
  device_read_iops: yes(),
  device_write_bps: yes(),
  device_write_iops: yes(),
  weight: yes('10 to 1000'),
  weight_device: yes(),
};
export const DEVICE_RATE_KEYS: KeyTable = { path: yes(), rate: yes() };
export const DEVICE_WEIGHT_KEYS: KeyTable = { path: yes(), weight: yes() };
export const LOGGING_KEYS: KeyTable = {
  driver: yes('json-file unless given'),
  options: yes('of json-file without max-size: 3 files of 10 MB each'),
};
export const HOOK_KEYS: KeyTable = {
  command: yes('required'),
  environment: yes(),
  privileged: yes(),
  user: yes(),
  working_dir: yes(),
};
export const DEPENDENCY_KEYS: KeyTable = {
  condition: yes('service_started, a hint; service_healthy: a rollout begins when the other service is whole'),
  required: yes('false: service_healthy is but a hint, too'),
  restart: planned('a service does not restart with what it depends on'),
};
