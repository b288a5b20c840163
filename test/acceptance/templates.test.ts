/** Templates of a real agent: what it renders of a real cluster, and what it says when it can't. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentStatus } from '../../lib/rpc/types';
import { Cluster } from '../support/cluster';
import type { Daemon } from '../support/daemon';
import { IDLE } from '../support/docker';
import { sleep, until } from '../support/wait';

const web = (replicas: number): string =>
  `${IDLE}ports: [{ name: http, target: 8080 }]\ndeploy: { replicas: ${replicas} }\nx-berth: { drain: 5s }\n`;

let cluster: Cluster;
let agent: Daemon;
beforeAll(async () => {
  cluster = await Cluster.start({ agents: 0 });
  writeFileSync(
    at('src'),
    '{% for e in services.web %}{{ e.instance }} {{ e.host }}:{{ e.ports.http }} of {{ e.release }} on {{ host.name }}\n{% endfor %}',
  );
  writeFileSync(
    at('agent.yaml'),
    `templates:
  - { src: ${at('src')}, dest: ${at('list')}, check: "test ! -e ${at('broken')}", reload: "echo >>${at('reloads')}" }\n`,
  );
  agent = await cluster.addAgent('h1', ['--config', at('agent.yaml')]);
}, 60_000);
afterAll(() => cluster.stop(), 60_000);

const at = (name: string): string => join(cluster.folder, name);
const lines = (): readonly string[] => readFileSync(at('list'), 'utf8').split('\n').slice(0, -1);
const reloads = (): number => (existsSync(at('reloads')) ? readFileSync(at('reloads'), 'utf8').length : 0);

async function rules(): Promise<readonly string[]> {
  const { stdout } = await cluster.berth('agent', 'status', '--json', '--socket', cluster.socketOf('h1'));
  return (JSON.parse(stdout) as AgentStatus).problems.map(({ rule }) => rule);
}

test('instances that are healthy are in the file, with their port, and those that go leave it before they stop', async () => {
  await cluster.put('web', web(2));
  await until('two', () => lines().length === 2, 60_000);
  expect(lines()[0]).toMatch(/^web-1-[a-z2-7]{4} 127\.0\.0\.1:2\d{4} of 1 on h1$/);
  await cluster.put('web', web(1));
  await until('one', () => lines().length === 1, 60_000);
  expect(await cluster.containers()).toHaveLength(2);
  await until('the reload', () => reloads() >= 3);
}, 120_000);

test('a check that fails is told by the host; mended, all is well again', async () => {
  const before = lines();
  writeFileSync(at('broken'), '');
  await cluster.put('web', web(3));
  await until('the problem', async () => (await rules()).includes('template-check'), 60_000);
  await until('the host', async () =>
    (await cluster.hostStatus())!.problems.some(({ rule }) => rule === 'template-check'),
  );
  expect((await cluster.berth('hosts')).stdout).toContain('template-check');
  expect(lines()).toEqual(before);
  rmSync(at('broken'));
  await until('three', () => lines().length === 3, 90_000);
  await until('all is well', async () => (await rules()).length === 0);
}, 180_000);

test('with etcd away, and the agent killed and begun again, the file stays as it is, and nothing is reloaded', async () => {
  await cluster.running(3, 60_000);
  await until('the last reload', async () => {
    const before = reloads();
    await sleep(1500);
    return reloads() === before;
  });
  const [file, count] = [lines(), reloads()];
  await cluster.etcd.kill();
  await agent.end('SIGKILL');
  await agent.start();
  await sleep(3000);
  expect(lines()).toEqual(file);
  expect(reloads()).toBe(count);
}, 60_000);
