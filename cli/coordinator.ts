import type { Command } from 'commander';
import { addFlags, readConfigFile, runDaemon } from './daemon';

const CONFIG_FILE = '/etc/berth/coordinator.yaml';

const FLAGS = [
  { flag: '--etcd <urls>', what: 'endpoints of etcd, comma-separated (http://127.0.0.1:2379)' },
  { flag: '--prefix <prefix>', what: 'prefix of all keys (/berth)' },
  { flag: '--http <host:port>', what: 'serves /metrics, /healthz, /readyz, /sd/prometheus (127.0.0.1:7422)' },
  { flag: '--address <address>', what: 'where Prometheus reaches it (what --http listens on, or the hostname)' },
  { flag: '--prometheus-file <path>', what: 'writes the targets of Prometheus there, too, for file_sd (off)' },
  { flag: '--grpc <host:port>', what: 'serves the operator’s commands (127.0.0.1:7420)' },
  { flag: '--lease-ttl <duration>', what: 'another coordinator leads after so long without a sign (5s)' },
  { flag: '--log-level <level>', what: 'error, warn, info or debug (info)' },
];

const EXAMPLES = `
Every flag can be given as BERTH_<NAME> or in the configuration file too; a flag wins over the
environment, that over the file.
Run two or three: one leads, the others stand by and answer.

Examples:
  berth coordinator --etcd http://10.0.0.1:2379,http://10.0.0.2:2379,http://10.0.0.3:2379
  berth coordinator --grpc 0.0.0.0:7420`;

export function registerCoordinator(program: Command): void {
  const command = program.command('coordinator').description('run a coordinator').addHelpText('after', EXAMPLES);
  addFlags(command, FLAGS, CONFIG_FILE);
  command.action(async (flags: Record<string, string | undefined>) => {
    await runDaemon('berth coordinator', async () => {
      const { loadCoordinatorConfig } = await import('../lib/config/daemons.js');
      const file = readConfigFile(flags['config'], CONFIG_FILE);
      const config = loadCoordinatorConfig({ flags, env: process.env, ...(file && { file }) });
      const { runCoordinator } = await import('../coordinator/main.js');
      return runCoordinator(config);
    });
  });
}
