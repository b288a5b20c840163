import type { ForeignEngine } from '../../agent/docker/foreign-containers';
import { ForeignEndpoints } from '../../agent/endpoints/foreign/foreign-endpoints';
import type { TryProbe } from '../../agent/probes/outcome';
import { createProber } from '../../agent/probes/prober';
import type { Clock } from '../../lib/clock';
import { silentLogger } from '../../lib/log';

const NOBODY_ASKS: TryProbe = () => Promise.reject(new Error('nobody has a probe'));

/** Foreign containers of host h1, as an engine tells of them. They are looked at every minute. */
export function foreignOn(
  clock: Clock,
  engine: Pick<ForeignEngine, 'list'>,
  { address = '10.0.0.1', tryProbe = NOBODY_ASKS } = {},
): ForeignEndpoints {
  const probes = createProber({ clock, log: silentLogger, random: () => 0.5, tryProbe });
  return new ForeignEndpoints({
    ...{ clock, log: silentLogger, probes, engine: { ...engine, watch: () => undefined } },
    host: { name: 'h1', address, labels: {}, weight: 1 },
  });
}
