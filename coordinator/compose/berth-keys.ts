/** Keys of `x-berth`, and of what it holds. */
import { yes, type KeyTable } from '../../lib/compose/key-table';

export const BERTH_KEYS: KeyTable = {
  auto_promote: yes('canaries that were healthy through monitor are promoted without "berth promote"'),
  before: yes('a job that has to succeed once per release, before anything is replaced'),
  canary: yes('so many new instances are made and watched before anything is replaced; 0 unless given'),
  config: yes('all: every value of the config layers is in the environment, below what environment says'),
  drain: yes('how long an instance is out of discovery before it is stopped; 0s unless given'),
  keep_away_from: yes('services that are never on the same host; its own name: no two instances on one host'),
  metrics: yes('what Prometheus scrapes of every instance, found through the coordinator’s /sd/prometheus'),
  on_disconnect: yes('what becomes of instances on a host that is cut off from etcd; keep unless given'),
  on_unhealthy: yes('restart unless given; withdraw only takes it out of discovery'),
  probe: yes('how the agent finds out whether an instance is healthy, instead of Docker’s health check'),
  project: yes('the Compose project, set by "berth apply"'),
  rollout_deadline: yes(
    'a rollout that takes longer has failed; 0s is never. Unless given 10m, or three times what before, monitor and delay need at least',
  ),
  volumes: yes('settings of named volumes, as at the top of a Compose file; "berth apply" writes them'),
};
export const BEFORE_KEYS: KeyTable = {
  command: yes('required; as list or text, instead of the service’s command. Takes placeholders'),
  timeout: yes('10m unless given'),
};
export const METRICS_KEYS: KeyTable = {
  path: yes('/metrics unless given'),
  port: yes('of the service’s published tcp ports: its number in the container, or its name; required'),
  scheme: yes('http unless given; https'),
};
export const ON_DISCONNECT_KEYS: KeyTable = {
  replace_after: yes('they are replaced elsewhere so long after the loss, and run on there'),
  stop_after: yes('the host stops them itself, and they are replaced after that: never two of one'),
};
export const PROBE_KEYS: KeyTable = {
  exec: yes('a command in the container, as list or text; 0 is success'),
  failures: yes('in a row make it unhealthy; 3 unless given'),
  grpc: yes('grpc.health.v1; SERVING is success'),
  http: yes('a request to the container; a status from 200 to 399 is success unless given'),
  interval: yes('5s unless given'),
  start_period: yes('failures do not count so long after the start; 0s unless given'),
  successes: yes('in a row make it healthy; 1 unless given'),
  tcp: yes('a connection to the container'),
  timeout: yes('2s unless given'),
};
export const HTTP_PROBE_KEYS: KeyTable = {
  headers: yes(),
  host: yes('the Host header'),
  method: yes('GET unless given; HEAD'),
  path: yes('/ unless given'),
  port: yes('number in the container, or name of a port; required'),
  scheme: yes('http unless given; https, whose certificate is not checked'),
  status: yes('200-399 unless given; one status or a range'),
};
export const TCP_PROBE_KEYS: KeyTable = { port: yes('number in the container, or name of a port; required') };
export const GRPC_PROBE_KEYS: KeyTable = {
  port: yes('number in the container, or name of a port; required'),
  service: yes('the server as a whole unless given'),
};
export const BERTH_VOLUME_KEYS: KeyTable = {
  driver: yes(),
  driver_opts: yes('takes placeholders'),
  external: yes('the volume has to be there'),
  labels: yes('takes placeholders'),
};
