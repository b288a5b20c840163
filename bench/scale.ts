/** What one scale command costs the coordinator of a large cluster: its CPU, from the event to the commit and all that follows. */
import { sleep } from '../test/support/wait';
import type { Benchmark } from './benchmark';
import type { Figure } from './figure';
import { serviceDocument, sizeFrom, type FleetSite } from './fleet-site';
import { cpuMs } from './process-usage';

const BUDGET_MS = 50;
const COMMANDS = 40;
const PLAN_BUDGET_MS = 1000;
const PLANS = 10;
/** Between one command and the next: hosts have answered, and the coordinator is through with what they said. */
const PAUSE_MS = 500;

export const SCALE = sizeFrom('BERTH_BENCH_SCALE', { hosts: 5000, services: 10_000, replicas: 10 });

export const scale: Benchmark<FleetSite> = {
  name: 'scale',
  async run(site, _effort, say) {
    const { hosts, services, replicas } = SCALE;
    const name = (at: number): string => `service-${at}`;
    const text = serviceDocument(replicas);
    say(`scale: ${services} services of ${replicas}`);
    await site.put(new Map(Array.from({ length: services }, (_, at) => [name(at), text])));
    await site.until('every instance is assigned', () => site.instances >= services * replicas);
    say('scale: every host says that all runs');
    site.answer();
    await site.steady(services);
    const idle = await cpuOver(site, COMMANDS * PAUSE_MS);
    const before = cpuMs(site.coordinator.pid);
    const instances = site.instances;
    for (let at = 0; at < COMMANDS; at++) {
      await site.put(new Map([[name(at * 7), serviceDocument(replicas + 1)]]));
      await sleep(PAUSE_MS);
    }
    await site.until('every command is obeyed', () => site.instances >= instances + COMMANDS);
    const each = (cpuMs(site.coordinator.pid) - before - idle) / COMMANDS;
    await site.calm();
    const plan = await planCpu(site, replicas + 2);
    const there = `${services} services on ${hosts} hosts`;
    return [
      {
        what: `a scale command, ${there}, CPU of the coordinator, mean of ${COMMANDS}`,
        unit: 'ms',
        measured: { value: each },
        against: { value: idle / COMMANDS, what: 'nothing asked, as long' },
        budget: { of: 'value', max: BUDGET_MS },
      },
      {
        what: `berth plan of one, CPU of the coordinator, mean of ${PLANS}`,
        unit: 'ms',
        measured: { value: plan },
        against: { value: each, what: 'the command itself' },
        budget: { of: 'value', max: PLAN_BUDGET_MS },
      },
    ] satisfies readonly Figure[];
  },
};

/** @returns milliseconds of CPU that one `berth plan` of a scale command takes: a rehearsal on a copy of the cluster */
async function planCpu({ client, coordinator }: FleetSite, replicas: number): Promise<number> {
  const before = cpuMs(coordinator.pid);
  for (let at = 0; at < PLANS; at++) {
    const services = [{ name: `service-${at}`, document: serviceDocument(replicas) }];
    const { instances } = await client.plan({ project: '', services });
    if (instances.length === 0) throw new Error('a plan of more instances has none');
  }
  return (cpuMs(coordinator.pid) - before) / PLANS;
}

/** @returns milliseconds of CPU that the coordinator takes for itself meanwhile: its lease, its metrics */
async function cpuOver({ coordinator }: FleetSite, durationMs: number): Promise<number> {
  const before = cpuMs(coordinator.pid);
  await sleep(durationMs);
  return cpuMs(coordinator.pid) - before;
}
