import type { ActualContainer, Desired } from '../plan/types';

/** Says of containers how they are. */
export interface Probes {
  /** Calls `wake` when a container's health has changed. */
  watch(wake: () => void): void;
  /**
   * Probes these from now on, as their releases say, and nothing else.
   * @returns the containers with their health: by the probe, where there is one
   */
  follow(
    containers: ReadonlyMap<string, readonly ActualContainer[]>,
    desired: Desired,
  ): ReadonlyMap<string, readonly ActualContainer[]>;
  close(): void;
}
