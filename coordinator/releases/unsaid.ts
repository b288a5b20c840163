/** Pure: what releases mean that were cut before they said it. */
import type { DeploySpec } from '../../lib/documents/types';
import { DEFAULT_DEADLINE_MS } from '../compose/rollout';
import { DEFAULT_ROLLBACK_CONFIG, DEFAULT_UPDATE_CONFIG } from '../compose/update-config';

/** @returns with the compiler's defaults where a release of an older Berth says nothing; it always says them itself */
export function withDefaults(deploy: DeploySpec): DeploySpec {
  if (deploy.updateConfig.failureAction !== '') return deploy;
  return {
    ...deploy,
    updateConfig: DEFAULT_UPDATE_CONFIG,
    rollbackConfig: DEFAULT_ROLLBACK_CONFIG,
    rolloutDeadlineMs: DEFAULT_DEADLINE_MS,
  };
}
