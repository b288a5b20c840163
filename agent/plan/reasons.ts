/** Why the agent does what it does (G1), and why it does not. Shown in status, logs and events; nowhere else spelled. */
export const REASONS = {
  imageMissing: 'the image is not on this host',
  newInstance: 'assigned to this host',
  neverStarted: 'the container was created and never started',
  exited: (code: number, oomKilled: boolean) =>
    oomKilled ? `killed for running out of memory (exit code ${code})` : `exited with code ${code}`,
  specChanged: (from: number, to: number) => `release ${to} needs another container than release ${from}`,
  notAssigned: 'the assignment leaves it out',
  duplicate: 'a second container of the same instance',
  portLost: (port: number | undefined) =>
    `${port === undefined ? 'its host port' : `host port ${port}`} was taken by another while it was down; a new one is picked`,
  dead: 'Docker could not remove it and calls it dead',
  // Waiting, leaving alone.
  held: 'held: etcd knows nothing of its service',
  assignmentMissing: 'held: no assignment document says what this host should run',
  releaseUnreadable: (problem: string) => `left as it is: ${problem}`,
  predecessor: 'waits until the instance that it replaces is gone from this host',
  paused: 'paused in Docker by hand; left as it is',
  restartPolicyNone: 'exited, and the restart policy is "none"',
  restartPolicyOnFailure: 'exited with code 0, and the restart policy is "on-failure"',
  attemptsExhausted: (attempts: number) => `exited; given up after ${attempts} restarts in a row`,
} as const;
