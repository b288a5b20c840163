/** The keys of a Compose file around its services: `berth apply` reads them. */
import { no, planned, yes, type KeyTable } from './key-table';

const RESOLVES = '"docker compose config | berth apply -f -" resolves it';
const ON_THE_HOST = 'create the network on its hosts, with docker network create, and say external: true';

export const FILE_KEYS: KeyTable = {
  configs: planned('mount a file of the host as a volume'),
  include: no(RESOLVES),
  models: no('AI models are not run by Berth'),
  name: yes('the project'),
  networks: yes('networks that exist on the hosts: external: true; the default one is Docker’s bridge'),
  secrets: planned('mount a file of the host as a volume'),
  services: yes('required'),
  version: yes('ignored, as Compose does'),
  volumes: yes(),
};

export const FILE_NETWORK_KEYS: KeyTable = {
  attachable: no(ON_THE_HOST),
  driver: no(ON_THE_HOST),
  driver_opts: no(ON_THE_HOST),
  enable_ipv4: no(ON_THE_HOST),
  enable_ipv6: no(ON_THE_HOST),
  external: yes('true is wanted: Berth makes no networks'),
  internal: no(ON_THE_HOST),
  ipam: no(ON_THE_HOST),
  labels: no(ON_THE_HOST),
  name: yes('what Docker calls it; the key itself unless given'),
};

export const FILE_VOLUME_KEYS: KeyTable = {
  driver: yes('local unless given'),
  driver_opts: yes(),
  external: yes('the volume has to be there; otherwise Docker makes it where it is missing'),
  labels: yes(),
  name: yes('what Docker calls it; <project>_<key> unless given'),
};
