/** What a test sees of a lab's cluster. */
import { until } from '../support/wait';
import type { Lab } from './lab';

/** For hangs, on a machine with far more to do than cores. */
const PATIENCE_MS = 60_000;

export interface SeenContainer {
  readonly id: string;
  /** When it was started last, or `not running`. */
  readonly startedAt: string;
}

/** Every container of a host, as its engine has it: equal lists say that nothing was touched. */
export async function containersOn(lab: Lab, host: string): Promise<readonly SeenContainer[]> {
  const listed = await lab.docker(host, 'ps', '--all', '--quiet', '--no-trunc');
  if (listed === '') return [];
  const format = '{{.Id}} {{.State.Running}} {{.State.StartedAt}}';
  const lines = await lab.docker(host, 'inspect', '--format', format, ...listed.split('\n'));
  return lines
    .split('\n')
    .map((line) => line.split(' '))
    .map(([id, isRunning, startedAt]) => ({ id: id!, startedAt: isRunning === 'true' ? startedAt! : 'not running' }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Settles when the coordinator says that the host's agent lives, or that it is lost. */
export async function hostBecomes(lab: Lab, host: string, state: 'live' | 'lost'): Promise<void> {
  await until(
    `${host} is ${state}`,
    async () => {
      const { code, stdout } = await lab.berth(['hosts', '--json']);
      if (code !== 0) return false;
      const { hosts } = JSON.parse(stdout) as { hosts: { name: string; live: boolean }[] };
      return hosts.find(({ name }) => name === host)?.live === (state === 'live');
    },
    PATIENCE_MS,
  );
}

/** Where the instances of a service that run answer, and on which host each is; sorted by host. */
export async function urlsOf(lab: Lab, service: string): Promise<readonly { host: string; url: string }[]> {
  const { instances } = JSON.parse((await lab.berth(['ps', service, '--json'])).stdout) as {
    instances: { host: string; address: string; status?: { phase: string; ports: { published: number }[] } }[];
  };
  return instances
    .filter(({ status }) => status?.phase === 'RUNNING')
    .map(({ host, address, status }) => ({ host, url: `http://${address}:${status!.ports[0]!.published}` }))
    .sort((a, b) => (a.host < b.host ? -1 : 1));
}
