import type { Command } from 'commander';
import { registerAgentStatus } from './agent-status';
import { addFlags, readConfigFile, runDaemon } from './daemon';

const CONFIG_FILE = '/etc/berth/agent.yaml';

const FLAGS = [
  { flag: '--name <name>', what: 'name of this host, a DNS label (its hostname)' },
  { flag: '--address <address>', what: 'address at which other hosts reach its published ports (127.0.0.1)' },
  { flag: '--labels <a=b,…>', what: 'labels for placement constraints' },
  { flag: '--resources <a=n,…>', what: 'how many this host has of what services reserve by name: gpu=2,licence=1' },
  { flag: '--weight <n>', what: "share of this host's endpoints beside others of a service, 1 to 1000 (100)" },
  {
    flag: '--register-foreign <yes>',
    what: "containers with registrator's words are published, too: true or false (false)",
  },
  { flag: '--skydns-domain <domain>', what: 'endpoints are written as SkyDNS records, too: cluster.local' },
  { flag: '--skydns-ttl <duration>', what: 'how long an answer from such a record may be kept (10s)' },
  { flag: '--etcd <urls>', what: 'endpoints of etcd, comma-separated (http://127.0.0.1:2379)' },
  { flag: '--prefix <prefix>', what: 'prefix of all keys (/berth)' },
  { flag: '--docker <address>', what: 'Docker Engine (unix:///var/run/docker.sock)' },
  { flag: '--state-dir <folder>', what: 'where the copy of the desired state is kept (/var/lib/berth)' },
  { flag: '--http <host:port>', what: 'serves /metrics, /healthz, /readyz (0.0.0.0:7423)' },
  { flag: '--lease-ttl <duration>', what: 'the host counts as lost after so long without a sign (5s)' },
  { flag: '--port-range <low-high>', what: 'host ports to pick from (20000-32767)' },
  {
    flag: '--docker-config <folder>',
    what: 'of the config.json with logins to registries ($DOCKER_CONFIG or ~/.docker)',
  },
  { flag: '--registry-mirrors <list>', what: 'docker.io=mirror:5000,… : where images are looked for first' },
  { flag: '--min-free-space <size>', what: 'to be free on the disk of Docker before a pull; 0 for no check (1G)' },
  { flag: '--keep-releases <n>', what: 'images of so many of the last releases of each service are kept (3)' },
  {
    flag: '--image-high-water <percent>',
    what: 'on a disk fuller than this, images that are not wanted now are removed (85%)',
  },
  { flag: '--dns <host:port,…>', what: 'answers DNS there, over UDP and TCP (127.0.0.1:7453)' },
  { flag: '--dns-domain <domain>', what: 'of the names of services and hosts: web.service.berth (berth)' },
  { flag: '--dns-ttl <duration>', what: 'for which an answer may be kept; 0s to 5m (1s)' },
  { flag: '--dns-prefer-zone <true|false>', what: "endpoints in this host's zone come first (false)" },
  { flag: '--dns-upstreams <servers>', what: 'asked for all other names (those of /etc/resolv.conf)' },
  { flag: '--container-dns <auto|off|ips>', what: 'whom containers ask for names: auto is this agent (auto)' },
  { flag: '--socket <path>', what: 'answers "berth agent status" (/run/berth/agent.sock)' },
  { flag: '--log-level <level>', what: 'error, warn, info or debug (info)' },
];

const EXAMPLES = `
Every flag can be given as BERTH_<NAME> or in the configuration file too; a flag wins over the
environment, that over the file.

Examples:
  berth agent --name h1 --address 10.0.0.11 --labels zone=a,disk=ssd --etcd http://10.0.0.1:2379
  BERTH_NAME=h1 berth agent --config /etc/berth/agent.yaml
  berth agent status                   asks the agent that runs on this host`;

export function registerAgent(program: Command): void {
  const command = program
    .command('agent')
    .description('run the agent of this host, or ask the one that runs')
    .usage('[options] | status')
    .addHelpText('after', EXAMPLES);
  registerAgentStatus(command);
  addFlags(command, FLAGS, CONFIG_FILE);
  command.action(async (flags: Record<string, string | undefined>) => {
    await runDaemon('berth agent', async () => {
      const { loadAgentConfig } = await import('../lib/config/daemons.js');
      const file = readConfigFile(flags['config'], CONFIG_FILE);
      const config = loadAgentConfig({ flags, env: process.env, ...(file && { file }) });
      const { runAgent } = await import('../agent/main.js');
      return runAgent(config);
    });
  });
}
