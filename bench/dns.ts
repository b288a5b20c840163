/** How fast DNS answers, how much it keeps, and how soon it knows. */
import { readDnsAnswer, dnsQuery } from '../test/support/dns-client';
import { askUdp } from '../test/support/dns-exchange';
import { sleep } from '../test/support/wait';
import type { Benchmark } from './benchmark';
import { DNS_SIZE, serviceName, type DnsSite, type Load } from './dns-site';
import { median, type Figure, type Value } from './figure';
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
    const loads: Loads = { echo: [], berth: [], ports: [], docker: [] };
    const p99Ms = { echo: [] as number[], berth: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      for (const who of ['echo', 'berth', 'docker'] as const) loads[who].push(await site.load(who));
      loads.ports.push(await site.load('berth', 'SRV'));
      for (const who of ['echo', 'berth'] as const) p99Ms[who].push((await site.times(who)).p99Ms);
    }
    say(`dns: ${CHANGES} changes`);
    const changes = await timeChanges(site);
    return [
      ...speedFigures(loads),
      {
        what: 'time of an answer under load, p99',
        unit: 'ms',
        measured: median(summarise(p99Ms.berth)),
        against: { ...median(summarise(p99Ms.echo)), what: 'an echo of Node' },
        budget: { of: 'value', max: CHANGE_BUDGET_MS },
      },
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

/** "ports": ours, asked for SRV. */
type Loads = Record<'berth' | 'ports' | 'echo' | 'docker', Load[]>;

function speedFigures(loads: Readonly<Loads>): readonly Figure[] {
  const each = (who: keyof Loads): Series => summarise(loads[who].map(({ eachUs }) => eachUs));
  const cpu = (who: keyof Loads): Value => median(summarise(loads[who].map(({ cpuUs }) => cpuUs)));
  const perSecond = (who: keyof Loads): string => `${Math.round(1e6 / each(who).p50)} a second`;
  const echo = { ...median(each('echo')), what: `an echo of Node, ${perSecond('echo')}` };
  return [
    {
      what: `an answer of ten addresses under load, ${perSecond('berth')}`,
      unit: 'µs',
      measured: median(each('berth')),
      against: echo,
      budget: { of: 'ratio', max: ECHO_BUDGET },
    },
    {
      what: `one of ten ports and their addresses, ${perSecond('ports')}`,
      unit: 'µs',
      measured: median(each('ports')),
      against: echo,
      budget: { of: 'ratio', max: ECHO_BUDGET },
    },
    {
      what: 'CPU of an answer of ten addresses',
      unit: 'µs',
      measured: cpu('berth'),
      against: { ...cpu('docker'), what: `Docker's own DNS, ${perSecond('docker')}` },
      budget: { of: 'ratio', max: DOCKER_BUDGET },
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
