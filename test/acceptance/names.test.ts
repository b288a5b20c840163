/** berth dns on a real agent: what its DNS answers, and why; and that the agent answers on when etcd is gone. */
import { randomInt } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NameExplanation } from '../../lib/rpc/types';
import { Cluster } from '../support/cluster';
import { dnsQuery, readDnsAnswer } from '../support/dns-client';
import { askUdp } from '../support/dns-exchange';
import { IDLE } from '../support/docker';
import { until } from '../support/wait';

/** Nobody else takes that. */
const DNS = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.53:5300`;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ agents: 0 });
  await cluster.addAgent('h1', ['--dns', DNS]);
  await cluster.put('web', `${IDLE}ports: [{ name: http, target: 8080 }]\ndeploy: { replicas: 2 }\n`);
  await cluster.steady('web', 1);
}, 60_000);
afterAll(() => cluster.stop(), 60_000);

const isNoted = (ids: readonly string[]): boolean => {
  const copy = join(cluster.folder, 'h1', 'discovery.jsonl');
  return existsSync(copy) && ids.every((id) => readFileSync(copy, 'utf8').includes(id));
};
const ask = (...question: readonly string[]) => cluster.berth('dns', ...question, '--socket', cluster.socketOf('h1'));
async function explained(...question: readonly string[]): Promise<NameExplanation> {
  const { code, stdout, stderr } = await ask(...question, '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as NameExplanation;
}

test.each<[string, readonly string[], number, RegExp]>([
  [
    'a service',
    ['web.service.berth'],
    0,
    /NOERROR: the 2 healthy instances of web\n[^]* {2}web\.service\.berth +1 +A +127\.0\.0\.1\n/,
  ],
  [
    'its port',
    ['_http._tcp.web.service.berth'],
    0,
    /(?: {2}_http\._tcp\.web\.service\.berth +1 +SRV +1 100 \d+ web-\d-\w+\.web\.service\.berth\n){2}/,
  ],
  [
    'one instance',
    ['WEB-2.web.service.berth', 'srv'],
    0,
    /1 of the 2 healthy instances[^]*left out: it has another name/,
  ],
  ['a host', ['h1.host.berth'], 0, /NOERROR: it is the address of the host/],
  ['an address', ['127.0.0.1'], 0, /1\.0\.0\.127\.in-addr\.arpa +1 +PTR +h1\.host\.berth/],
  [
    'a service that is none',
    ['nobody.service.berth'],
    1,
    /NXDOMAIN[^]*nobody\.service\.berth: the cluster has no service "nobody"\.\n/,
  ],
  ['what is no name', ['a..b'], 64, /"a\.\.b" is no name/],
  ['what is no type', ['web.service.berth', 'FOO'], 64, /"FOO" is no type/],
])('%s', async (_, question, code, told) => {
  const answer = await ask(...question);
  expect(answer.code).toBe(code);
  expect(answer.stdout + answer.stderr).toMatch(told);
});

test('an agent that was away for longer than its lease answers what it knew, until it has published that anew', async () => {
  const names = ({ endpoints }: NameExplanation): readonly string[] => endpoints.map(({ instance }) => instance);
  const before = names(await explained('web.service.berth', 'SRV'));
  expect(before).toHaveLength(2);
  await until('the agent to have noted them', () => isNoted(before));
  await cluster.agents[0]!.end('SIGKILL');
  const published = async (): Promise<number> => {
    const keys = await cluster.etcd.ctl(['get', '--prefix', `${cluster.prefix}/endpoints/`, '--keys-only']);
    return keys.split('\n').filter((key) => key !== '').length;
  };
  await until('its lease to have ended', async () => (await published()) === 0);
  const answers: (readonly string[])[] = [];
  const query = dnsQuery('web.service.berth', 'SRV');
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      const answer = await askUdp(DNS, query, 20);
      if (answer !== undefined) answers.push(readDnsAnswer(answer).answers);
    }
  })();
  await cluster.agents[0]!.start();
  await until('it to have published them', async () => (await published()) === 2);
  isOver = true;
  await asking;
  expect(answers.length).toBeGreaterThan(0);
  expect(answers.filter(({ length }) => length !== 2)).toEqual([]);
});

test('while etcd is gone, and by an agent that starts then: what was known, and of all else that it is not known', async () => {
  const before = await explained('web.service.berth', 'SRV');
  expect(before.endpoints).toHaveLength(2);
  const names = ({ endpoints }: NameExplanation): readonly string[] => endpoints.map(({ instance }) => instance);
  await until('the agent to have noted them', () => isNoted(names(before)));
  await cluster.etcd.kill();
  expect(names(await explained('web.service.berth', 'SRV'))).toEqual(names(before));
  await cluster.agents[0]!.end('SIGKILL');
  await cluster.agents[0]!.start();
  expect(names(await explained('web.service.berth', 'SRV'))).toEqual(names(before));
  const unknown = await ask('other.service.berth');
  expect(unknown).toMatchObject({ code: 1, stdout: expect.stringContaining('SERVFAIL') });
  expect(unknown.stderr).toContain('etcd has not said yet whether there is a service "other"');
});
