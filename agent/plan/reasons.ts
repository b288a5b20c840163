import type { Pause } from '../../lib/documents/types';
import { isoTime } from '../../lib/iso-time';

/** Why the agent does what it does (G1), and why it does not. Shown in status, logs and events; nowhere else spelled. */
export const REASONS = {
  prefetch: 'a rollout will need the image here',
  imageMissing: 'the image is not on this host',
  newInstance: 'assigned to this host',
  neverStarted: 'the container was created and never started',
  pullAlways: 'pull_policy is "always"',
  exited: (code: number, oomKilled: boolean, signal: string) => {
    if (oomKilled) return `killed for running out of memory (exit code ${code})`;
    return signal === '' ? `exited with code ${code}` : `ended by ${signal} (exit code ${code})`;
  },
  unhealthy: (what: string) => (what === '' ? 'unhealthy' : `unhealthy: ${what}`),
  limits: 'its limits changed',
  postStart: 'its post_start hooks have not run since it was started',
  specChanged: (from: number, to: number) => `release ${to} needs another container than release ${from}`,
  notAssigned: 'the assignment leaves it out',
  duplicate: 'a second container of the same instance',
  portLost: (port: number | undefined) =>
    `${port === undefined ? 'its host port' : `host port ${port}`} was taken by another while it was down; a new one is picked`,
  dead: 'Docker could not remove it and calls it dead',
  cutOff: (stopAfterMs: number) =>
    `cut off from etcd for longer than ${stopAfterMs / 1000} s (on_disconnect: stop_after)`,
  returned: 'etcd is back, and the assignment still names it',
  // Waiting, leaving alone.
  cutOffUnknown:
    'not started: etcd has not said since the agent began that it belongs here (on_disconnect: stop_after)',
  jobEnded: (how: string) => `it has run: ${how}; a before job is run once`,
  jobGone: 'it was begun, and somebody removed its container; a before job is run once',
  jobMayStart: 'Docker was told to start it and has not said that it did; a before job is run once',
  turn: (why: string, others: string | undefined) => (others === undefined ? why : `${why}; waits its turn: ${others}`),
  handsOff: ({ kind, name, untilMs, reason, by }: Pause) =>
    `paused until ${isoTime(untilMs)} with the ${kind} ${name}` +
    `${by === '' ? '' : ` by ${by}`}${reason === '' ? '' : `: ${reason}`}`,
  pullNever: (image: string) => `${image} is not on this host, and pull_policy is "never"`,
  startsAfter: (service: string) => `starts after ${service}, which it depends on`,
  stopsAfter: (service: string) => `stops after ${service}, which depends on it`,
  onlyWithdrawn: 'on_unhealthy is "withdraw"',
  unhealthyLeft: (what: string, why: string) =>
    `unhealthy${what === '' ? '' : `: ${what}`}; left running, since ${why}`,
  held: 'held: etcd knows nothing of its service',
  assignmentMissing: 'held: no assignment document says what this host should run',
  releaseUnreadable: (problem: string) => `left as it is: ${problem}`,
  predecessor: 'waits until the instance that it replaces is gone from this host',
  paused: 'paused in Docker by hand; left as it is',
  removing: 'Docker is removing it',
  limitsNotApplied: 'Docker does not apply its limits: "docker info" says which this host has no cgroup for',
  restartPolicyNone: 'the restart policy is "none"',
  restartPolicyOnFailure: 'it exited with code 0, and the restart policy is "on-failure"',
  attemptsExhausted: (attempts: number) => `given up after ${attempts} restarts in a row`,
} as const;
