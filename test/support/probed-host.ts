/** The agent's loop with its real probes on the real Docker Engine; a test says what is desired. */
import { createDockerEngine } from '../../agent/docker/dockerode-engine';
import type { Ownership } from '../../agent/docker/list/labels';
import { HostPorts } from '../../agent/host-ports';
import { Loop } from '../../agent/loop';
import type { Desired } from '../../agent/plan/types';
import { createProber } from '../../agent/probes/prober';
import { createTryProbe } from '../../agent/probes/try-probe';
import { systemClock } from '../../lib/clock';
import type { HostStatus, InstanceStatus, Probe, Release, RestartPolicy } from '../../lib/documents/types';
import { Pauses } from '../../lib/pauses';
import { desiredOf, releaseOf } from './desired';
import { docker, removeContainers } from './docker';
import { newOwner } from './engine-subjects';
import { memoryInMemory } from './loop-host';
import { recordLog, type LogLine } from './recorded-log';
import { until } from './wait';

/** Quick, so that tests are: three failures are there after about half a second. */
const QUICK = { intervalMs: 200, timeoutMs: 1000, startPeriodMs: 0, failures: 3, successes: 1 };

export function httpProbe(changes: Partial<Probe> = {}): Probe {
  const http = { path: '/ok', statusMin: 200, statusMax: 399, headers: {}, scheme: 'http', method: 'GET', port: 8080 };
  return { ...QUICK, ...changes, http };
}
export function tcpProbe(port: number): Probe {
  return { ...QUICK, tcp: { port } };
}
export function execProbe(command: readonly string[], changes: Partial<Probe> = {}): Probe {
  return { ...QUICK, ...changes, exec: { command } };
}

/** Serves the files of /tmp on port 8080. */
export const SERVE = 'exec httpd -f -p 8080 -h /tmp';
/** As that, and /ok is there until somebody removes it. */
export const SERVE_OK = `touch /tmp/ok; ${SERVE}`;

export interface ProbedWish {
  readonly script: string;
  readonly probe: Probe;
  readonly policy?: Partial<RestartPolicy>;
  readonly onUnhealthy?: string;
}

export function probedRelease(image: string, wish: ProbedWish): Release {
  const { script, probe, policy = {}, onUnhealthy = '' } = wish;
  const { container, deploy, ...rest } = releaseOf('web', { image, policy });
  return {
    ...rest,
    container: { ...container, command: ['sh', '-c', script], stopSignal: 'SIGKILL', stopGracePeriodMs: 1000 },
    deploy: { ...deploy, probe, onUnhealthy },
  };
}

export class ProbedHost {
  readonly owner: Ownership = newOwner();
  readonly lines: readonly LogLine[];
  private readonly loop: Loop;
  private readonly statuses: HostStatus[] = [];
  private wanted: Desired = desiredOf({});

  constructor(address = 'unix:///var/run/docker.sock') {
    const clock = systemClock;
    const { log, lines } = recordLog(clock);
    this.lines = lines;
    const engine = createDockerEngine({ docker: address, ...this.owner, clock, log });
    this.loop = new Loop({
      ...{ engine, clock, log, random: Math.random },
      pauses: new Pauses(clock, log),
      ports: new HostPorts(engine, [20_000, 20_099]),
      probes: createProber({ tryProbe: createTryProbe({ engine, clock }), clock, log, random: Math.random }),
      ...{ memoryCopy: memoryInMemory(), onBoundary: () => undefined, mayAct: () => true, problems: () => [] },
      cut: () => undefined,
      besides: () => ({ resolved: {}, volumes: [] }),
      desired: () => this.wanted,
      withdraw: () => Promise.resolve(),
      onHealth: () => undefined,
      onStatus: (status) => void this.statuses.push(status),
      onPass: () => undefined,
    });
    this.loop.start();
  }

  /** Instances are of this host alone: their names are Docker's. */
  instance(slot = 1): string {
    return `web-${slot}-${this.owner.host}`;
  }

  want(releases: readonly Release[]): void {
    this.wantAll(desiredOf(Object.fromEntries(releases.map((release, index) => [this.instance(index + 1), release]))));
  }

  wantAll(desired: Desired): void {
    this.wanted = desired;
    this.loop.wake();
  }

  status(slot = 1): InstanceStatus | undefined {
    return this.statuses.at(-1)?.instances[this.instance(slot)];
  }

  untilStatus(what: string, is: (status: InstanceStatus) => boolean, slot = 1): Promise<InstanceStatus> {
    return until(what, () => {
      const status = this.status(slot);
      if (status !== undefined && is(status)) return status;
      throw new Error(JSON.stringify(status));
    });
  }

  healthy(slot = 1): Promise<InstanceStatus> {
    return this.untilStatus('it to be healthy', ({ health }) => health === 'healthy', slot);
  }

  /** Changes with every start. */
  startedAt(slot = 1): Promise<string> {
    return docker('inspect', '--format', '{{.State.StartedAt}}', `berth-${this.instance(slot)}`);
  }

  run(command: readonly string[], slot = 1): Promise<string> {
    return docker('exec', `berth-${this.instance(slot)}`, ...command);
  }

  /** Messages with their reasons, of steps and of flips, in order. */
  told(pattern: RegExp): readonly string[] {
    return this.lines
      .map(({ message, fields }) => `${message}: ${String(fields['reason'])}`)
      .filter((line) => pattern.test(line));
  }

  async stop(): Promise<void> {
    this.loop.stop();
    await until('the loop to be idle', () => this.loop.steps.length === 0, 30_000);
    await removeContainers(this.owner.prefix);
  }
}
