/** How fast DNS answers, how much it keeps, and how soon it knows. */
import { readDnsAnswer, dnsQuery } from '../test/support/dns-client';
import { askUdp } from '../test/support/dns-exchange';
import { sleep } from '../test/support/wait';
import type { Benchmark } from './benchmark';
import type { Load } from './dns-load';
import { DNS_SIZE, serviceName, type DnsSite } from './dns-site';
import { median, type Figure } from './figure';
import { summarise, type Series } from './statistics';

/** As many questions a second as 0.7 of the echo's: each may take so much longer. */
const ECHO_BUDGET = 1 / 0.7;
const DOCKER_BUDGET = 1 / 2;
const MEMORY_BUDGET_MB = 60;
const CHANGE_BUDGET_MS = 50;
const CHANGES = 300;
const ASKERS = 100;
/** Until what asking for them took is over. */
const SETTLE_MS = 5000;

export const dns: Benchmark<DnsSite> = {
  name: 'dns',
  async run(site, { rounds }, say) {
    const emptyMb = await site.usedMb();
    say(`dns: asking for ${DNS_SIZE.services} services`);
    await askForAll(site);
    await sleep(SETTLE_MS);
    const fullMb = await site.usedMb();
    say(`dns: ${rounds} rounds of questions`);
    const loads = { berth: [] as Load[], echo: [] as Load[], docker: [] as Load[] };
    for (let round = 0; round < rounds; round++)
      for (const who of ['berth', 'echo', 'docker'] as const) loads[who].push(await site.load(who));
    say(`dns: ${CHANGES} changes`);
    const changes = await timeChanges(site);
    return [
      ...speedFigures(loads),
      {
        what: `${DNS_SIZE.services} services of ${DNS_SIZE.endpoints} endpoints, all asked for: what they add`,
        unit: 'MB',
        measured: { value: fullMb - emptyMb },
        against: { value: emptyMb, what: 'before' },
        budget: { of: 'value', max: MEMORY_BUDGET_MB },
      },
      {
        what: `commit in etcd → changed answer, p99 of ${CHANGES}`,
        unit: 'ms',
        measured: { value: changes.p99 },
        against: { value: changes.p50, what: 'p50' },
        budget: { of: 'value', max: CHANGE_BUDGET_MS },
      },
    ];
  },
};

function speedFigures(loads: Readonly<Record<'berth' | 'echo' | 'docker', readonly Load[]>>): readonly Figure[] {
  const each = (who: keyof typeof loads): Series => summarise(loads[who].map(({ perSecond }) => 1e6 / perSecond));
  const p99 = (who: keyof typeof loads): Series => summarise(loads[who].map(({ p99Ms }) => p99Ms));
  const berth = each('berth');
  const perSecond = (series: Series): string => `${Math.round(1e6 / series.p50)} a second`;
  return [
    {
      what: `an answer of ten addresses under load, ${perSecond(berth)}`,
      unit: 'µs',
      measured: median(berth),
      against: { ...median(each('echo')), what: `an echo of Node, ${perSecond(each('echo'))}` },
      budget: { of: 'ratio', max: ECHO_BUDGET },
    },
    {
      what: 'the same, beside Docker',
      unit: 'µs',
      measured: median(berth),
      against: { ...median(each('docker')), what: `Docker's own DNS, ${perSecond(each('docker'))}` },
      budget: { of: 'ratio', max: DOCKER_BUDGET },
    },
    {
      what: 'time of an answer under that load, p99',
      unit: 'ms',
      measured: median(p99('berth')),
      against: { ...median(p99('echo')), what: 'an echo of Node' },
      budget: { of: 'value', max: CHANGE_BUDGET_MS },
    },
  ];
}

async function askForAll(site: DnsSite): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < DNS_SIZE.services) {
      const query = dnsQuery(`${serviceName(next++)}.service.berth`, 'A');
      for (let count = 0; count !== DNS_SIZE.endpoints;) {
        const answer = await askUdp(site.address, query);
        count = answer === undefined ? 0 : readDnsAnswer(answer).answers.length;
      }
    }
  };
  await Promise.all(Array.from({ length: ASKERS }, lane));
}

/** Milliseconds from the answer of etcd to a write until our answer has it; who asks, asks one question after another. */
async function timeChanges(site: DnsSite): Promise<Series> {
  const query = dnsQuery(`${serviceName(0)}.service.berth`, 'A');
  const times: number[] = [];
  for (let change = 0; change < CHANGES; change++) {
    const host = Buffer.from([10, 200, change >> 8, change & 255]);
    await site.put(0, 1, [...host].join('.'));
    const committedMs = performance.now();
    while (!(await askUdp(site.address, query))?.includes(host));
    times.push(performance.now() - committedMs);
  }
  return summarise(times);
}
