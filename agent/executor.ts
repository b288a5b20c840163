import { EngineError, type Engine } from './docker/engine';
import type { Step, StepKind } from './plan/types';
import type { Release } from '../lib/documents/types';

export interface ExecutorTools {
  readonly engine: Engine;
  readonly ports: {
    /** Host ports for the release's ports, in their order. @throws EngineError 'port-taken' */
    pick(instance: string, release: Release): Promise<readonly number[]>;
    /** The container that they were picked for is there, or will never be. */
    settle(instance: string): void;
    /** Docker does not take it, whatever the kernel says: not to be picked again soon. */
    refuse(port: number): void;
  };
}

type Executors = {
  readonly [Kind in StepKind]: (
    step: Extract<Step, { kind: Kind }>,
    tools: ExecutorTools,
    signal: AbortSignal,
  ) => Promise<void>;
};

/** What each kind of step does. A kind that is forgotten here does not compile. */
const EXECUTORS: Executors = {
  pull: ({ release }, { engine }, signal) => engine.pull(release.container.image, signal),
  create: async ({ instance, release, slot, specHash }, { engine, ports }) => {
    const publishedPorts = await ports.pick(instance, release);
    const identity = { instance, service: release.service, slot, release: release.number, spec: specHash };
    const id = await engine
      .create({ ...identity, container: release.container, publishedPorts })
      .finally(() => ports.settle(instance));
    try {
      await engine.start(id);
    } catch (error) {
      if (error instanceof EngineError && error.port !== undefined) ports.refuse(error.port);
      // Made anew by the next try, with a port that is free by then. Should this fail, a later pass removes it.
      await engine.remove(id).catch(() => undefined);
      throw error;
    }
  },
  start: ({ containerId }, { engine }) => engine.start(containerId),
  stop: ({ containerId, graceMs }, { engine }) => engine.stop(containerId, graceMs),
  remove: ({ containerId }, { engine }) => engine.remove(containerId),
};

/** Runs one step to its end. @throws EngineError */
export function execute(step: Step, tools: ExecutorTools, signal: AbortSignal): Promise<void> {
  return (EXECUTORS[step.kind] as (step: Step, tools: ExecutorTools, signal: AbortSignal) => Promise<void>)(
    step,
    tools,
    signal,
  );
}
