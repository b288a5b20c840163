import type { Clock } from '../lib/clock';
import type { Hook, Release } from '../lib/documents/types';
import type { OnBoundary } from './boundaries';
import { EngineError, type Engine, type EngineErrorCode } from './docker/engine';
import { LEAVING } from './endpoints/wanted-endpoints';
import type { DrainStep, RemoveStep, RestartStep, Step, StepKind, StopStep } from './plan/types';

/** A hook that takes longer is given up. */
const HOOK_DEADLINE_MS = 60_000;

export interface ExecutorTools {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly ports: {
    /** Host ports for the release's ports, in their order. @throws EngineError 'port-taken' */
    pick(instance: string, release: Release): Promise<readonly number[]>;
    /** The container that they were picked for is there, or will never be. */
    settle(instance: string): void;
    /** Docker does not take it, whatever the kernel says: not to be picked again soon. */
    refuse(port: number): void;
  };
  readonly jobs: {
    /** Notes durably that it is about to be started. @throws EngineError when it can't be noted */
    begin(instance: string): Promise<void>;
    /** It was not started, and never will be. */
    forget(instance: string): void;
  };
  /** Settles when etcd has no endpoint of the container any more, or does not say so in time. Never rejects. */
  readonly withdraw: (instance: string, containerId: string) => Promise<void>;
  /** How far the step has come, for people. */
  readonly onProgress: (instance: string, progress: string) => void;
  readonly onBoundary: OnBoundary;
}

type Executors = {
  readonly [Kind in StepKind]: (
    step: Extract<Step, { kind: Kind }>,
    tools: ExecutorTools,
    /** Aborts when the step is not wanted any more, or the agent stops. */
    signal: AbortSignal,
  ) => Promise<void>;
};

/** What each kind of step does. A kind that is forgotten here does not compile. */
const EXECUTORS: Executors = {
  pull: ({ instance, release }, { engine, onProgress }, signal) =>
    engine.pull(release.container.image, {
      platform: release.container.platform,
      signal,
      onProgress: (progress) => onProgress(instance, progress),
    }),
  create: async ({ instance, release, slot, specHash, config, isJob }, { engine, ports, jobs, onBoundary }) => {
    const publishedPorts = await ports.pick(instance, release);
    const { container, deploy, service, number } = release;
    const identity = { instance, service, slot, release: number, spec: specHash, image: container.image };
    const id = await engine
      .create({ ...identity, container, deploy, config, isJob, publishedPorts })
      .finally(() => ports.settle(instance));
    onBoundary('create.created');
    if (isJob) {
      await jobs.begin(instance);
      onBoundary('job.begun');
    }
    try {
      await engine.start(id);
    } catch (error) {
      if (error instanceof EngineError && error.port !== undefined) ports.refuse(error.port);
      // It may run all the same.
      if (isJob && !isRefusal(error)) throw error;
      // Made anew by the next try, with a port that is free by then. Should this fail, a later pass removes it.
      const isGone = await engine.remove(id).then(
        () => true,
        () => false,
      );
      if (isJob && isGone) jobs.forget(instance);
      throw error;
    }
  },
  start: ({ containerId }, { engine }) => engine.start(containerId),
  post_start: async ({ instance, containerId, hooks }, tools) => {
    const failure = await runHooks(hooks, containerId, (progress) => tools.onProgress(instance, progress), tools);
    if (failure !== undefined) throw new EngineError('hook-failed', failure);
  },
  update: ({ containerId, limits }, { engine }) => engine.update(containerId, limits),
  restart: ({ containerId, graceMs }, { engine }) => engine.restart(containerId, graceMs),
  drain: async ({ instance, containerId, leave }, tools, signal) => {
    const { onProgress, onBoundary, clock } = tools;
    const tell = (progress: string): void => onProgress(instance, progress);
    // A hook that fails must not keep the container: it is told, and the container goes.
    const failure = await runHooks(leave.preStop, containerId, tell, tools);
    onBoundary('drain.hooked');
    const seconds = leave.drainMs / 1000;
    tell(failure === undefined ? `drain wait of ${seconds} s` : `drain wait of ${seconds} s; ${failure}`);
    await waitFor(leave.drainMs, clock, signal);
  },
  stop: ({ instance, containerId, graceMs }, { engine, onProgress }) => {
    onProgress(instance, `stop signal sent; SIGKILL after ${graceMs / 1000} s`);
    return engine.stop(containerId, graceMs);
  },
  remove: ({ containerId }, { engine }) => engine.remove(containerId),
};

/** Docker looked at what it was asked and did not do it; all else may have come to pass. */
function isRefusal(error: unknown): boolean {
  return error instanceof EngineError && REFUSALS.includes(error.code);
}
const REFUSALS: readonly EngineErrorCode[] = ['bad-request', 'bad-mount', 'port-taken', 'no-such-container'];

/** Runs one step to its end. @throws EngineError */
export async function execute(step: Step, tools: ExecutorTools, signal: AbortSignal): Promise<void> {
  tools.onBoundary(`${step.kind}.before`);
  if (leavesDiscovery(step)) {
    tools.onBoundary('withdraw.before');
    await tools.withdraw(step.instance, step.containerId);
    tools.onBoundary('withdraw.after');
    if (signal.aborted) throw givenUp();
  }
  await (EXECUTORS[step.kind] as (step: Step, tools: ExecutorTools, signal: AbortSignal) => Promise<void>)(
    step,
    tools,
    signal,
  );
  tools.onBoundary(`${step.kind}.after`);
}

/** Nobody is to be sent to a container that is about to be stopped. */
function leavesDiscovery(step: Step): step is DrainStep | StopStep | RestartStep | RemoveStep {
  return LEAVING.includes(step.kind);
}

/** One after another, to the first that fails. @returns what went wrong, for people. @throws EngineError when Docker does not answer */
async function runHooks(
  hooks: readonly Hook[],
  containerId: string,
  tell: (progress: string) => void,
  { engine }: ExecutorTools,
): Promise<string | undefined> {
  for (const [index, hook] of hooks.entries()) {
    const name = `hook ${index + 1} of ${hooks.length} (${hook.command[0]})`;
    tell(name);
    try {
      const { exitCode, output } = await engine.exec(containerId, hook, HOOK_DEADLINE_MS);
      if (exitCode !== 0) return `${name} exited with code ${exitCode}${output === '' ? '' : `: ${output}`}`;
    } catch (error) {
      if (!(error instanceof EngineError) || error.code === 'unavailable') throw error;
      return `${name} failed: ${error.message}`;
    }
  }
  return undefined;
}

function givenUp(): EngineError {
  return new EngineError('other', 'given up');
}

/** @throws EngineError when it is aborted before */
function waitFor(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      cancel();
      reject(givenUp());
    };
    const cancel = clock.after(ms, () => {
      signal.removeEventListener('abort', end);
      resolve();
    });
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}
