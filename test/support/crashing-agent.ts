/** The production agent, which kills itself at the boundary that a file names: `crashing-agent.ts <file> <flags as JSON>`. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { runAgent } from '../../agent/main';
import { loadAgentConfig } from '../../lib/config/daemons';

const [file = '', flags = '{}'] = process.argv.slice(2);

const config = loadAgentConfig({ flags: JSON.parse(flags) as Record<string, string>, env: {} });
void runAgent(config, {
  onBoundary: (boundary) => {
    if (!existsSync(file) || readFileSync(file, 'utf8') !== boundary) return;
    // Once: the next agent goes on.
    rmSync(file);
    process.kill(process.pid, 'SIGKILL');
  },
}).then((code) => process.exit(code));
