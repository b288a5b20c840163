/** Pure: what an instance is made from, of its release. */
import { emptyDocument } from '../../lib/documents/codec';
import type { AssignedInstance, Release } from '../../lib/documents/types';
import { effectiveConfig, type Config } from '../../lib/release/config';
import { jobContainer } from '../../lib/release/job-container';
import { specHash } from '../../lib/release/spec-hash';

/** Never restarted, whatever becomes of it. */
const ONCE: Release['deploy']['restartPolicy'] = { condition: 'none', delayMs: 0, maxAttempts: 0, windowMs: 0 };

export interface MadeFrom {
  /** Of a `before` job, what it is run as. */
  readonly spec: Release;
  /** The label berth.spec. */
  readonly specHash: string;
}

/** What the values of config are that its container is made with. */
export function configOf({ config }: Pick<AssignedInstance, 'config'>, release: Release): Config {
  return effectiveConfig(release.config, config);
}

export function madeFrom(assigned: AssignedInstance, release: Release): MadeFrom {
  const config = configOf(assigned, release);
  if (!assigned.before) return { spec: release, specHash: specHash(release.container, config) };
  const spec = jobOf(release);
  // Nothing is to take it for an instance, which may have the same command.
  return { spec, specHash: `job-${specHash(spec.container, config)}` };
}

/**
 * Of how a service is deployed, only what it may use and what it needs: nobody asks it whether it is well, and a host that
 * is cut off lets it end, since half of a job is worse than a whole one.
 */
function jobOf(release: Release): Release {
  const { reservations, dependsOn } = release.deploy;
  const deploy = { ...emptyDocument('Release').deploy, restartPolicy: ONCE, reservations, dependsOn };
  return { ...release, container: jobContainer(release), deploy };
}
