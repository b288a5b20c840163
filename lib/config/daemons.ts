import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import type { RegistryPlace } from '../image-reference';
import type { LogLevel } from '../log';
import { asContainerDns, type ContainerDns } from './container-dns';
import {
  asAddress,
  asBytes,
  asDnsListenList,
  asDnsServers,
  asDocker,
  asDomain,
  asDomainOrNone,
  asDurationMs,
  asEndpoints,
  asFile,
  asFolder,
  asLabels,
  asListen,
  asLogLevel,
  asName,
  asPercent,
  asPortRange,
  asPrefix,
  asSocket,
  asRegistryMirrors,
  asResources,
  asWholeNumber,
  asWholeSeconds,
  asYesOrNo,
} from './parse';
import { readSettings, type Settings, type Sources } from './settings';
import { templatesSetting, type TemplateSetting } from './templates';

export interface AgentConfig {
  /** The host's name in etcd: a DNS label. */
  readonly name: string;
  /** Address at which other hosts reach this host's published ports. */
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
  /** How many the host has of what services reserve by name. */
  readonly resources: Readonly<Record<string, number>>;
  /** Of its endpoints: their share beside others of a service. */
  readonly weight: number;
  /** Containers that Berth does not manage and that carry registrator's words are published, too. */
  readonly registerForeign: boolean;
  /** Domain under which its endpoints are written as SkyDNS records, too; empty: they are not. */
  readonly skydnsDomain: string;
  /** Milliseconds that an answer from such a record may be kept. */
  readonly skydnsTtl: number;
  readonly etcd: readonly string[];
  readonly prefix: string;
  readonly docker: string;
  readonly stateDir: string;
  /** "host:port" of /metrics, /healthz and /readyz. */
  readonly http: string;
  /** Milliseconds after which the host counts as lost when it stops renewing. */
  readonly leaseTtl: number;
  /** Host ports that the agent picks from where none is published; outside of the kernel's ephemeral range. */
  readonly portRange: readonly [number, number];
  /** Folder of the config.json with the credentials for registries, as `docker login` writes it. */
  readonly dockerConfig: string;
  /** By registry: where its images are looked for, in order; the registry itself last, unless it is named too. */
  readonly registryMirrors: ReadonlyMap<string, readonly RegistryPlace[]>;
  /** Bytes that have to be free where Docker keeps images, before one is pulled; 0 for no check. */
  readonly minFreeSpace: number;
  /** The images of so many of the last releases of each service are kept. */
  readonly keepReleases: number;
  /** How full the disk of Docker's images may be, 0 to 1, before all go that are not wanted now. */
  readonly imageHighWater: number;
  /** "host:port" of each address that DNS is answered on. */
  readonly dns: readonly string[];
  /** Under which names are answered: "berth". */
  readonly dnsDomain: string;
  /** Seconds for which answers may be kept by who asked. */
  readonly dnsTtl: number;
  /** Endpoints in the zone of this host, by its label "zone", are answered first. */
  readonly dnsPreferZone: boolean;
  /** "host:port" of each name server that is asked for all other names; none: those of /etc/resolv.conf. */
  readonly dnsUpstreams: readonly string[];
  readonly containerDns: ContainerDns;
  /** Path of the unix socket that answers `berth agent status`. */
  readonly socket: string;
  readonly templates: readonly TemplateSetting[];
  readonly logLevel: LogLevel;
}

export interface CoordinatorConfig {
  readonly etcd: readonly string[];
  readonly prefix: string;
  readonly http: string;
  /** Where other machines reach this one's HTTP; empty: by what `http` listens on, or by its hostname. */
  readonly address: string;
  /** Path of a file with the targets of Prometheus; empty: none is written. */
  readonly prometheusFile: string;
  readonly grpc: string;
  /** Milliseconds after which another coordinator may lead when this one stops renewing. */
  readonly leaseTtl: number;
  readonly logLevel: LogLevel;
}

/** Releases of a service whose images a host can keep. */
export const MAX_KEEP_RELEASES = 50;

/** etcd grants no lease shorter than 2 s; above a minute a lost host goes unnoticed for too long. */
const leaseTtl = { parse: asDurationMs(2000, 60_000), default: '5s' };

const common = {
  etcd: { parse: asEndpoints, default: 'http://127.0.0.1:2379' },
  prefix: { parse: asPrefix, default: '/berth' },
  leaseTtl,
  logLevel: { parse: asLogLevel, default: 'info' },
};

export const agentSettings: Settings<AgentConfig> = {
  name: { parse: asName, default: hostname().split('.')[0]!.toLowerCase() },
  address: { parse: (text) => text, default: '127.0.0.1' },
  labels: { parse: asLabels, default: '' },
  resources: { parse: asResources, default: '' },
  weight: { parse: asWholeNumber(1, 1000), default: '100' },
  registerForeign: { parse: asYesOrNo, default: 'false' },
  skydnsDomain: { parse: asDomainOrNone, default: '' },
  skydnsTtl: { parse: asDurationMs(1000, 86_400_000), default: '10s' },
  docker: { parse: asDocker, default: 'unix:///var/run/docker.sock' },
  stateDir: { parse: asFolder, default: '/var/lib/berth' },
  http: { parse: asListen, default: '0.0.0.0:7423' },
  dns: { parse: asDnsListenList, default: '127.0.0.1:7453' },
  dnsDomain: { parse: asDomain, default: 'berth' },
  dnsTtl: { parse: asWholeSeconds(0, 300), default: '1s' },
  dnsPreferZone: { parse: asYesOrNo, default: 'false' },
  dnsUpstreams: { parse: asDnsServers, default: '' },
  containerDns: { parse: asContainerDns, default: 'auto' },
  socket: { parse: asSocket, default: '/run/berth/agent.sock' },
  portRange: { parse: asPortRange, default: '20000-32767' },
  dockerConfig: { parse: asFolder, default: process.env['DOCKER_CONFIG'] || join(homedir(), '.docker') },
  registryMirrors: { parse: asRegistryMirrors, default: '' },
  minFreeSpace: { parse: asBytes, default: '1G' },
  keepReleases: { parse: asWholeNumber(0, MAX_KEEP_RELEASES), default: '3' },
  imageHighWater: { parse: asPercent(20, 99), default: '85%' },
  templates: templatesSetting,
  ...common,
};

export const coordinatorSettings: Settings<CoordinatorConfig> = {
  http: { parse: asListen, default: '127.0.0.1:7422' },
  address: { parse: asAddress, default: '' },
  prometheusFile: { parse: asFile, default: '' },
  grpc: { parse: asListen, default: '127.0.0.1:7420' },
  ...common,
};

/** @throws ConfigError */
export function loadAgentConfig(sources: Sources): AgentConfig {
  return readSettings(agentSettings, sources);
}

/** @throws ConfigError */
export function loadCoordinatorConfig(sources: Sources): CoordinatorConfig {
  return readSettings(coordinatorSettings, sources);
}
