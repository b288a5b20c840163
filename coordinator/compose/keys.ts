/**
 * Every key of the Compose Specification's service section, and what Berth does with it. The one table behind
 * the compiler's errors and docs/reference/compose.md.
 */
export type KeyStatus =
  | { readonly is: 'supported'; readonly note?: string }
  /** Comes later; refused until then. */
  | { readonly is: 'planned'; readonly note: string }
  /** Has no place here: why, and what to use instead. */
  | { readonly is: 'refused'; readonly note: string };

export type KeyTable = Readonly<Record<string, KeyStatus>>;

const yes = (note?: string): KeyStatus => (note === undefined ? { is: 'supported' } : { is: 'supported', note });
const planned = (note: string): KeyStatus => ({ is: 'planned', note });
const no = (note: string): KeyStatus => ({ is: 'refused', note });

export const SERVICE_KEYS: KeyTable = {
  annotations: planned('use labels'),
  attach: no('Berth attaches to nothing; read logs on the host'),
  blkio_config: planned('block I/O limits come with the other limits'),
  build: no('hosts only run images: build one, push it, and name it under image'),
  cap_add: yes(),
  cap_drop: yes(),
  cgroup: planned('containers get a cgroup namespace of Docker’s choice'),
  cgroup_parent: planned('containers go where Docker puts them'),
  command: yes(),
  configs: planned('mount a file of the host as a volume'),
  container_name: no('a service has many containers; each is named berth-<instance>'),
  cpu_count: no('a key of Windows containers; use deploy.resources.limits.cpus'),
  cpu_percent: no('a key of Windows containers; use deploy.resources.limits.cpus'),
  cpu_period: no('use deploy.resources.limits.cpus'),
  cpu_quota: no('use deploy.resources.limits.cpus'),
  cpu_rt_period: no('realtime scheduling is not offered; use deploy.resources.limits.cpus'),
  cpu_rt_runtime: no('realtime scheduling is not offered; use deploy.resources.limits.cpus'),
  cpu_shares: planned('use deploy.resources.limits.cpus'),
  cpus: no('use deploy.resources.limits.cpus'),
  cpuset: planned('use deploy.resources.limits.cpus'),
  credential_spec: no('a key of Windows containers'),
  depends_on: planned('services start independently; let a service wait for what it needs'),
  deploy: yes(),
  develop: no('a key of local development'),
  device_cgroup_rules: planned('devices come with the next steps'),
  devices: planned('devices come with the next steps'),
  dns: planned('containers use the host’s resolvers'),
  dns_opt: planned('containers use the host’s resolvers'),
  dns_search: planned('containers use the host’s resolvers'),
  domainname: no('use hostname'),
  driver_opts: no('there are no network drivers to set options of'),
  entrypoint: yes(),
  env_file: no('hosts do not have the file; "berth apply" resolves it into environment'),
  environment: yes(
    'a map, or a list of NAME=value; a name without a value is refused, since there is no shell to take it from',
  ),
  expose: no('containers of one network reach every port already; use ports to publish one'),
  extends: no('write the service out, or share parts with YAML anchors'),
  external_links: no('links are gone from Docker; services find each other by their endpoints'),
  extra_hosts: planned('containers use the host’s resolvers'),
  gpus: planned('devices come with the next steps'),
  group_add: planned('set user to uid:gid'),
  healthcheck: yes(),
  hostname: yes(),
  image: yes('required'),
  init: yes(),
  ipc: planned('containers have an IPC namespace of their own'),
  isolation: no('a key of Windows containers'),
  label_file: no('hosts do not have the file; use labels'),
  labels: yes('names that begin with "berth." are Berth’s own'),
  links: no('links are gone from Docker; services find each other by their endpoints'),
  logging: planned('logs are json-file, 3 files of 10 MB each'),
  mac_address: no('published ports need none'),
  mem_limit: no('use deploy.resources.limits.memory'),
  mem_reservation: no('use deploy.resources.reservations.memory'),
  mem_swappiness: planned('a memory limit leaves no swap'),
  memswap_limit: no('a memory limit leaves no swap'),
  models: no('AI models are not run by Berth'),
  network_mode: planned('containers are on Docker’s bridge'),
  networks: planned(
    'containers are on Docker’s bridge; only "networks: {default: null}", which says the same, is taken',
  ),
  oom_kill_disable: no('a container without bounds takes the host down with it'),
  oom_score_adj: planned('comes with the other limits'),
  pid: planned('containers have a PID namespace of their own'),
  pids_limit: no('use deploy.resources.limits.pids'),
  platform: planned('place by a label of the host: deploy.placement.constraints'),
  ports: yes('short and long form, 4096 at most; without "published" the agent picks a free host port and keeps it'),
  post_start: planned('lifecycle hooks come with the next steps'),
  pre_stop: planned('lifecycle hooks come with the next steps'),
  privileged: no('it gives the container the whole host; use cap_add for what it really needs'),
  profiles: no('apply the services that you want'),
  provider: no('Berth runs containers and nothing else'),
  pull_policy: planned('an image is pulled when it is missing'),
  read_only: yes(),
  restart: no('use deploy.restart_policy'),
  runtime: planned('containers use Docker’s default runtime'),
  scale: no('use deploy.replicas'),
  secrets: planned('mount a file of the host as a volume'),
  security_opt: yes('no-new-privileges is on unless this says otherwise'),
  shm_size: planned('mount a tmpfs at /dev/shm'),
  stdin_open: planned('services run unattended'),
  stop_grace_period: yes('10s unless given'),
  stop_signal: yes(),
  storage_opt: planned('containers use Docker’s storage defaults'),
  sysctls: planned('set them on the host'),
  tmpfs: yes(),
  tty: planned('services run unattended'),
  ulimits: yes(),
  use_api_socket: no('it gives the container the whole host'),
  user: yes(),
  userns_mode: planned('containers use Docker’s default'),
  uts: no('containers have a UTS namespace of their own'),
  volumes: yes(
    'short and long form; a bind mount’s source has to be absolute, and has to be there unless bind.create_host_path is true',
  ),
  volumes_from: no('name the same volume in both services'),
  working_dir: yes(),
  'x-berth': yes('what Compose has no word for'),
};

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
  devices: planned('devices come with the next steps'),
  generic_resources: planned('named resources come with the next steps'),
  memory: yes(),
};
export const RESTART_POLICY_KEYS: KeyTable = {
  condition: yes('any unless given; on-failure, none'),
  delay: yes('0s unless given: the first restart is immediate, later ones back off from 1 s to 1 min'),
  max_attempts: yes('no limit unless given'),
  window: yes('5s unless given: a container that ran so long has started well'),
};
export const HEALTHCHECK_KEYS: KeyTable = {
  disable: yes(),
  interval: yes(),
  retries: yes(),
  start_interval: planned('the interval counts from the start'),
  start_period: yes(),
  test: yes(),
  timeout: yes(),
};
export const PORT_KEYS: KeyTable = {
  app_protocol: no('nothing here reads it'),
  host_ip: yes(),
  mode: yes('host and ingress mean the same: the port of the host that runs the instance'),
  name: yes(),
  protocol: yes('tcp or udp'),
  published: yes('one port; a range is for the short form'),
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
  propagation: planned('mounts are private'),
  recursive: planned('mounts are recursive'),
  selinux: no('set the label on the host'),
};
export const VOLUME_OPTION_KEYS: KeyTable = {
  labels: planned('volumes carry no labels'),
  nocopy: yes(),
  subpath: planned('mount the whole volume'),
};
export const TMPFS_KEYS: KeyTable = { mode: yes(), size: yes() };
export const ULIMIT_KEYS: KeyTable = { hard: yes(), soft: yes() };
export const BERTH_KEYS: KeyTable = {
  before: planned('a job before the rollout'),
  canary: planned('rollouts replace one instance after another'),
  config: planned('use environment'),
  drain: planned('an instance is stopped at once, with its grace period'),
  keep_away_from: planned('use deploy.placement.constraints'),
  metrics: planned('scrape the published port'),
  on_disconnect: planned('a host that is cut off keeps what it runs'),
  probe: planned('use healthcheck'),
  project: yes('the Compose project, set by "berth apply"'),
};
