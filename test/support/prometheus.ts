/** Debian's Prometheus on loopback, with a data folder of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './ports';
import { until } from './wait';

export interface ActiveTarget {
  /** "host:port/path" */
  readonly url: string;
  readonly health: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface Prometheus {
  /** What a job scrapes now, sorted by URL. */
  targets(job: string): Promise<readonly ActiveTarget[]>;
  /** Labels and value of every series that an expression gives now. */
  query(expression: string): Promise<readonly (readonly [labels: Readonly<Record<string, string>>, value: string])[]>;
  stop(): Promise<void>;
}

/** @param config text of prometheus.yml */
export async function startPrometheus(config: string): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-test-prometheus-'));
  const base = `http://127.0.0.1:${await freePort()}`;
  const [file, log] = [join(folder, 'prometheus.yml'), join(folder, 'log')];
  writeFileSync(file, config);
  const flags = [
    `--config.file=${file}`,
    `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=${base.slice(7)}`,
  ];
  const command = ['sh', '-c', `exec prometheus "$@" 2>'${log}'`, 'sh', ...flags, '--log.level=warn'];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  const ask = async (path: string): Promise<unknown> => {
    const answer = await fetch(`${base}/api/v1/${path}`);
    return ((await answer.json()) as { data: unknown }).data;
  };
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await until('Prometheus to be ready', async () => {
      if (child.exitCode !== null) throw new Error(readFileSync(log, 'utf8'));
      return (await fetch(`${base}/-/ready`)).ok;
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    stop,
    targets: async (job) => {
      const { activeTargets } = (await ask('targets?state=active')) as {
        activeTargets: { scrapePool: string; scrapeUrl: string; health: string; labels: Record<string, string> }[];
      };
      return activeTargets
        .filter(({ scrapePool }) => scrapePool === job)
        .map(({ scrapeUrl, health, labels }) => ({ url: scrapeUrl.replace('http://', ''), health, labels }))
        .sort((a, b) => (a.url < b.url ? -1 : 1));
    },
    query: async (expression) => {
      const { result } = (await ask(`query?query=${encodeURIComponent(expression)}`)) as {
        result: { metric: Record<string, string>; value: [number, string] }[];
      };
      return result.map(({ metric, value }) => [metric, value[1]] as const);
    },
  };
}
