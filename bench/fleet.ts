/** A million instances of a thousand services on five thousand hosts that run nothing: how fast all are placed and committed. */
import { sleep } from '../test/support/wait';
import type { Benchmark } from './benchmark';
import type { Figure } from './figure';
import { serviceDocument, sizeFrom, type FleetSite } from './fleet-site';
import { summarise } from './statistics';

const BUDGET_MS = 60_000;
const MEMORY_BUDGET_MB = 2000;
const SINGLE_BUDGET_MS = 1000;
/** Services of one instance that are placed one after another, once the fleet is full. */
const SINGLES = 30;
const POLL_MS = 5;

export const FLEET = sizeFrom('BERTH_BENCH_FLEET', { hosts: 5000, services: 1000, replicas: 1000 });

export const fleet: Benchmark<FleetSite> = {
  name: 'fleet',
  async run(site, _effort, say) {
    const { hosts, services, replicas } = FLEET;
    const wanted = services * replicas;
    const text = serviceDocument(replicas);
    const documents = new Map(Array.from({ length: services }, (_, at) => [`service-${at}`, text]));
    const revisionBefore = await site.etcd.revision();
    const cpuBefore = site.cpu();
    const startedMs = performance.now();
    await site.put(documents);
    await site.until('every instance is assigned', () => site.instances >= wanted);
    const durationMs = performance.now() - startedMs;
    const commits = (await site.etcd.revision()) - revisionBefore;
    const seconds = durationMs / 1000;
    say(`fleet: ${(wanted / seconds).toFixed(0)} decisions and ${(commits / seconds).toFixed(0)} commits a second`);
    const cpu = site.cpu();
    const cpuSeconds = (of: keyof typeof cpu): string => ((cpu[of] - cpuBefore[of]) / 1000).toFixed(1);
    say(
      `fleet: CPU: coordinator ${cpuSeconds('coordinator')} s, etcd ${cpuSeconds('etcd')} s, hosts ${cpuSeconds('hosts')} s`,
    );
    const placedMb = site.peakMb;
    const rawMs = await rewriteMs(site);
    const after = site.cpu().coordinator;
    await site.calm();
    const moreSeconds = (site.cpu().coordinator - after) / 1000;
    say(`fleet: what it had written cost the coordinator ${moreSeconds.toFixed(0)} s of CPU more`);
    const singlesMs = await placeSingles(site);
    const single = summarise(singlesMs);
    say(`fleet: a single placement: p50 ${single.p50.toFixed(0)} ms, p99 ${single.p99.toFixed(0)} ms`);
    const what = `${wanted} instances on ${hosts} hosts`;
    return [
      {
        what: `${what}, until all are assigned`,
        unit: 'ms',
        measured: { value: durationMs },
        against: { value: rawMs, what: 'etcd alone, the same documents' },
        budget: { of: 'value', max: BUDGET_MS },
      },
      {
        what: `coordinator, ${what}, memory at most meanwhile (RSS)`,
        unit: 'MB',
        measured: { value: placedMb },
        against: { value: MEMORY_BUDGET_MB, what: 'allowed' },
        budget: { of: 'value', max: MEMORY_BUDGET_MB },
      },
      {
        what: `one more instance on the full fleet, put → its host has it, p99 of ${SINGLES}`,
        unit: 'ms',
        measured: { value: single.p99 },
        against: { value: single.p50, what: 'p50' },
        budget: { of: 'value', max: SINGLE_BUDGET_MS },
      },
    ] satisfies readonly Figure[];
  },
};

/** What etcd takes for the same documents, written once more under other keys, as many at a time as the coordinator does. */
async function rewriteMs({ store, keys }: FleetSite): Promise<number> {
  const { kvs } = await store.range({ prefix: keys.assignments });
  const queue = [...kvs];
  const startedMs = performance.now();
  const lane = async (): Promise<void> => {
    for (let batch = queue.splice(0, 40); batch.length > 0; batch = queue.splice(0, 40))
      await store.txn({
        compares: [],
        writes: batch.map(({ key, value }) => ({ op: 'put', key: `/raw${key}`, value })),
      });
  };
  await Promise.all([lane(), lane(), lane(), lane()]);
  return performance.now() - startedMs;
}

async function placeSingles(site: FleetSite): Promise<readonly number[]> {
  const samples: number[] = [];
  for (let at = 0; at < SINGLES; at++) {
    const name = `single-${at}`;
    const startedMs = performance.timeOrigin + performance.now();
    await site.put(new Map([[name, serviceDocument(1)]]));
    for (;;) {
      const atMs = site.assignedAtMs(name);
      if (atMs !== undefined) {
        samples.push(atMs - startedMs);
        break;
      }
      await sleep(POLL_MS);
    }
  }
  return samples;
}
