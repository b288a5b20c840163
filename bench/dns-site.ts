/** An etcd with services in it, a process that answers DNS from it, and what that is compared with: an echo, and Docker's own. */
import { execFile, execFileSync, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, realpathSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { emptyDocument, encodeDocument } from '../lib/documents/codec';
import { keysUnder, type Keys } from '../lib/documents/keys';
import { connectEtcd } from '../lib/etcd/etcd3-store';
import { splitListen } from '../lib/listen-address';
import { MAX_TXN_WRITES, type Store, type Write } from '../lib/etcd/store';
import { BERTH } from '../test/support/daemon';
import { dnsQuery } from '../test/support/dns-client';
import { docker } from '../test/support/docker';
import { ensureTestImage } from '../test/support/docker-images';
import { startEtcd, type EtcdServer } from '../test/support/etcd-server';
import { sourceCommand } from '../test/support/source-process';
import { startBareNode } from './bare-node';
import type { Times } from './dns-load';
import type { Told } from './dns-server';
import { cpuMs } from './process-usage';

const run = promisify(execFile);

const PREFIX = '/berth-bench';
export const DNS_SIZE = { services: 10_000, endpoints: 10 } as const;
/** On which all of the endpoints are. */
const HOSTS = 1000;
/** Name that ten containers share in their network. */
const ALIAS = 'other';
/** As many as a busy host's containers, and few enough that nobody's queue runs over. */
const IN_FLIGHT = 64;
const LOAD_SECONDS = 3;
const TXNS_AT_ONCE = 8;
/** With the bit that makes an answer of a question. */
const ECHO =
  "const s = require('node:dgram').createSocket('udp4'); " +
  "s.on('message', (m, from) => { m[2] |= 0x80; s.send(m, from.port, from.address); });" +
  "s.bind(0, '127.0.0.1', () => console.log('127.0.0.1:' + s.address().port));";

const hostOf = (host: number): string => `10.0.${host >> 8}.${host & 255}`;
export const serviceName = (service: number): string => `web-${service}`;
const nameFor = (type: 'A' | 'SRV'): string => `${type === 'SRV' ? '_http._tcp.' : ''}${serviceName(0)}.service.berth`;

/** Microseconds: an answer is there after so many, and takes so many of CPU of whoever gives it. */
export interface Load {
  readonly eachUs: number;
  readonly cpuUs: number;
}

export class DnsSite {
  readonly keys: Keys = keysUnder(PREFIX);
  private readonly closers: (() => unknown)[] = [];

  private constructor(
    readonly etcd: EtcdServer,
    readonly store: Store,
    private readonly server: ChildProcess,
    /** "host:port" of our DNS. */
    readonly address: string,
    private readonly echo: { readonly line: string; readonly pid: number },
    /** Process in a network of Docker's where ten other containers have the name ALIAS. */
    private readonly contained: string,
    private readonly folder: string,
    private readonly dockerd: number,
  ) {}

  static async open(say: (text: string) => void): Promise<DnsSite> {
    const closers: (() => unknown)[] = [];
    try {
      say(`writing ${DNS_SIZE.services} services of ${DNS_SIZE.endpoints} endpoints`);
      const etcd = await startEtcd({ args: ['--quota-backend-bytes=4294967296'] });
      closers.push(() => etcd.stop());
      const store = connectEtcd({ endpoints: [etcd.endpoint] });
      closers.push(() => store.close());
      const echo = await startBareNode(ECHO);
      closers.push(echo.stop);
      const contained = await startContainers(closers);
      const [hook, source] = [sourceCommand('').slice(0, 2), join(__dirname, 'dns-server.ts')];
      const folder = await mkdtemp(join(tmpdir(), 'berth-bench-dns-'));
      closers.push(() => rm(folder, { recursive: true, force: true }));
      const server = fork(source, [etcd.endpoint, PREFIX, folder], { execArgv: [...daemonFlags(), ...hook] });
      closers.push(() => endProcess(server));
      const [told] = (await once(server, 'message')) as [Told];
      const address = 'address' in told ? told.address : '';
      const site = new DnsSite(etcd, store, server, address, echo, contained, folder, dockerdPid());
      site.closers.push(...closers);
      await site.fill();
      return site;
    } catch (error) {
      for (const close of closers.reverse()) await close();
      throw error;
    }
  }

  /**
   * What dnsperf sees who asks for the ten addresses, or ports, of a service.
   * @param who is asked; Docker knows no ports
   */
  async load(who: 'berth' | 'echo' | 'docker', type: 'A' | 'SRV' = 'A'): Promise<Load> {
    const name = { berth: nameFor(type), echo: nameFor('A'), docker: ALIAS }[who];
    const { host, port } = splitListen(this.addressOf(who));
    const inside = who === 'docker' ? [`--net=/proc/${this.contained}/ns/net`] : [];
    const many = ['-c', '1', '-T', '1', '-q', String(IN_FLIGHT), '-l', String(LOAD_SECONDS)];
    // Ten ports and their addresses have no room without EDNS.
    const size = type === 'SRV' ? ['-e'] : [];
    // It reads them again and again, which it can't from its input.
    const questions = join(this.folder, 'questions');
    await writeFile(questions, `${name} ${type}\n`);
    const args = ['-s', host, '-p', String(port), '-d', questions, ...many, ...size];
    const pid = { berth: this.server.pid!, echo: this.echo.pid, docker: this.dockerd }[who];
    const usedMs = cpuMs(pid);
    const { stdout } = await run('nsenter', [...inside, 'dnsperf', ...args]);
    const answerCpuMs = cpuMs(pid) - usedMs;
    const [, lost] = /Queries lost: +(\d+)/.exec(stdout)!;
    if (Number(lost) > 0) throw new Error(`${who} left ${lost} questions without an answer`);
    const [, answered] = /Queries completed: +(\d+)/.exec(stdout)!;
    const [, perSecond] = /Queries per second: +([\d.]+)/.exec(stdout)!;
    return { eachUs: 1e6 / Number(perSecond), cpuUs: (answerCpuMs * 1000) / Number(answered) };
  }

  /** How long answers take when it is asked as fast as it answers. */
  async times(who: 'berth' | 'echo'): Promise<Times> {
    const packet = dnsQuery(nameFor('A'), 'A').toString('hex');
    const args = [...sourceCommand('bench/dns-load.ts'), this.addressOf(who), packet, LOAD_SECONDS, IN_FLIGHT];
    const { stdout } = await run(process.execPath, args.map(String));
    return JSON.parse(stdout) as Times;
  }

  /** What the process of our DNS uses, once it has thrown away what it does not need. */
  async usedMb(): Promise<number> {
    this.server.send('memory');
    const [told] = (await once(this.server, 'message')) as [Told];
    return 'usedMb' in told ? told.usedMb : NaN;
  }

  put(service: number, endpoint: number, host: string): Promise<unknown> {
    return this.store.txn({ compares: [], writes: [this.write(service, endpoint, host)] });
  }

  async close(): Promise<void> {
    for (const close of this.closers.reverse()) await close();
  }

  private addressOf(who: 'berth' | 'echo' | 'docker'): string {
    return { berth: this.address, echo: this.echo.line, docker: '127.0.0.11:53' }[who];
  }

  private async fill(): Promise<void> {
    const writes: Write[] = [];
    for (let service = 0; service < DNS_SIZE.services; service++)
      for (let endpoint = 1; endpoint <= DNS_SIZE.endpoints; endpoint++)
        writes.push(this.write(service, endpoint, hostOf((service + (HOSTS / DNS_SIZE.endpoints) * endpoint) % HOSTS)));
    const lane = async (): Promise<void> => {
      while (writes.length > 0) await this.store.txn({ compares: [], writes: writes.splice(0, MAX_TXN_WRITES) });
    };
    await Promise.all(Array.from({ length: TXNS_AT_ONCE }, lane));
  }

  private write(service: number, slot: number, host: string): Write {
    const name = serviceName(service);
    const value = encodeDocument('Endpoint', {
      ...emptyDocument('Endpoint'),
      ...{ host, port: 20_000 + slot, ports: { http: 20_000 + slot }, release: 1, labels: { zone: 'a' } },
      ...{ hostName: `h-${host.replaceAll('.', '-')}`, slot, weight: 100 },
    });
    return { op: 'put', key: this.keys.endpoint(name, `${name}-${slot}-aaaa`), value };
  }
}

/** @returns id of a process in a network of Docker's, beside as many containers with one alias as a service has endpoints */
async function startContainers(closers: (() => unknown)[]): Promise<string> {
  const image = await ensureTestImage();
  const network = `berth-bench-dns-${process.pid}`;
  await docker('network', 'create', network);
  closers.push(() => docker('network', 'rm', network));
  const start = async (alias: string): Promise<string> => {
    const flags = ['--rm', '--network', network, '--network-alias', alias, '--stop-signal', 'KILL'];
    const id = await docker('run', '-d', ...flags, image, 'sleep', '3600');
    closers.push(() => docker('rm', '-f', id));
    return id;
  };
  for (let count = 0; count < DNS_SIZE.endpoints; count++) await start(ALIAS);
  return docker('inspect', '-f', '{{.State.Pid}}', await start('asker'));
}

/** @returns id of the process that listens where our client of Docker asks */
function dockerdPid(): number {
  const socket = (process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock').replace('unix://', '');
  const paths = [socket, realpathSync(socket)];
  const listeners = execFileSync('ss', ['-xlpH'], { encoding: 'utf8' }).split('\n');
  const ours = listeners.find((line) => paths.some((path) => line.split(/\s+/).includes(path)));
  const [, pid] = /"dockerd",pid=(\d+)/.exec(ours ?? '') ?? [];
  if (pid === undefined) throw new Error(`no dockerd listens on ${socket}`);
  return Number(pid);
}

/** With which `bin/berth` runs the daemons. */
function daemonFlags(): readonly string[] {
  const [command] = readFileSync(BERTH, 'utf8').split('\n');
  return command!.match(/--[\w-]+(=\S+)?(?= )/g) ?? [];
}

async function endProcess(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  if (child.kill('SIGKILL')) await ended;
}
