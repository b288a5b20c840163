import { readFileSync, writeFileSync } from 'node:fs';
import { composeReference, SECTIONS } from './reference';
import { RULES } from './rules';

const FILE = 'docs/reference/compose.md';

test('docs/reference/compose.md is what the tables say', () => {
  if (process.env['UPDATE_REFERENCE'] === '1') writeFileSync(FILE, composeReference());
  expect(readFileSync(FILE, 'utf8')).toBe(composeReference());
});

/**
 * Keys of a service in schema/compose-spec.json of the Compose Specification (2025), by where they stand; without what
 * is below keys that are refused or planned as a whole.
 */
const SPECIFICATION: Readonly<Record<string, string>> = {
  '': 'annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs container_name cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus cpuset credential_spec depends_on deploy develop device_cgroup_rules devices dns dns_opt dns_search domainname entrypoint env_file environment expose extends external_links extra_hosts gpus group_add healthcheck hostname image init ipc isolation label_file labels links logging mac_address mem_limit mem_reservation mem_swappiness memswap_limit models network_mode networks oom_kill_disable oom_score_adj pid pids_limit platform ports post_start pre_stop privileged profiles provider pull_policy pull_refresh_after read_only restart runtime scale secrets security_opt shm_size stdin_open stop_grace_period stop_signal storage_opt sysctls tmpfs tty ulimits use_api_socket user userns_mode uts volumes volumes_from working_dir',
  blkio_config: 'device_read_bps device_read_iops device_write_bps device_write_iops weight weight_device',
  'blkio_config.device_read_bps[]': 'path rate',
  'blkio_config.device_read_iops[]': 'path rate',
  'blkio_config.device_write_bps[]': 'path rate',
  'blkio_config.device_write_iops[]': 'path rate',
  'blkio_config.weight_device[]': 'path weight',
  'depends_on.<name>': 'condition required restart',
  deploy: 'endpoint_mode labels mode placement replicas resources restart_policy rollback_config update_config',
  'deploy.placement': 'constraints max_replicas_per_node preferences',
  'deploy.placement.preferences[]': 'spread',
  'deploy.resources': 'limits reservations',
  'deploy.resources.limits': 'cpus memory pids',
  'deploy.resources.reservations': 'cpus devices generic_resources memory',
  'deploy.resources.reservations.devices[]': 'capabilities count device_ids driver options',
  'deploy.resources.reservations.generic_resources[]': 'discrete_resource_spec',
  'deploy.resources.reservations.generic_resources[].discrete_resource_spec': 'kind value',
  'deploy.restart_policy': 'condition delay max_attempts window',
  'deploy.rollback_config': 'delay failure_action max_failure_ratio monitor order parallelism',
  'deploy.update_config': 'delay failure_action max_failure_ratio monitor order parallelism',
  'devices[]': 'permissions source target',
  'gpus[]': 'capabilities count device_ids driver options',
  healthcheck: 'disable interval retries start_interval start_period test timeout',
  logging: 'driver options',
  'networks.<name>':
    'aliases driver_opts gw_priority interface_name ipv4_address ipv6_address link_local_ips mac_address priority',
  'ports[]': 'app_protocol host_ip mode name protocol published target',
  'post_start[]': 'command environment privileged user working_dir',
  'pre_stop[]': 'command environment privileged user working_dir',
  'ulimits.<name>': 'hard soft',
  'volumes[]': 'bind consistency image read_only source target tmpfs type volume',
  'volumes[].bind': 'create_host_path propagation recursive selinux',
  'volumes[].tmpfs': 'mode size',
  'volumes[].volume': 'labels nocopy subpath',
};

test.each(Object.entries(SPECIFICATION))('every key of the specification is in the tables: "%s"', (path, keys) => {
  const [, table] = SECTIONS.find(([paths]) => paths.includes(path))!;
  expect(keys.split(' ').filter((key) => !Object.hasOwn(table, key))).toEqual([]);
  const own = Object.keys(table).filter((key) => !keys.split(' ').includes(key) && key !== 'x-berth');
  expect(own).toEqual([]);
});

test('docs/reference/problems.md explains every rule', () => {
  const text = readFileSync('docs/reference/problems.md', 'utf8');
  expect(RULES.filter((rule) => !text.includes(`| \`${rule}\` |`))).toEqual([]);
});
