import type { Clock } from '../../../lib/clock';
import type { Logger } from '../../../lib/log';
import type { Engine } from '../../docker/engine';
import { createForeignEngine } from '../../docker/foreign-containers';
import { createProber } from '../../probes/prober';
import { createTryProbe } from '../../probes/try-probe';
import type { EndpointHost } from '../wanted-endpoints';
import { ForeignEndpoints } from './foreign-endpoints';

export interface ForeignTools {
  /** Address of the engine. */
  readonly docker: string;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Logger;
}

/** With the real engine, and checks of their own. */
export function startForeign(host: EndpointHost, { docker, engine, clock, log }: ForeignTools): ForeignEndpoints {
  const tryProbe = createTryProbe({ engine, clock });
  const probes = createProber({ tryProbe, clock, log, random: Math.random });
  return new ForeignEndpoints({ ...{ host, clock, log, probes }, engine: createForeignEngine(docker, clock, log) });
}
