/** An etcd with services in it, a process that answers DNS from it, and what that is compared with: an echo, and Docker's own. */
import { execFile, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { emptyDocument, encodeDocument } from '../lib/documents/codec';
import { keysUnder, type Keys } from '../lib/documents/keys';
import { connectEtcd } from '../lib/etcd/etcd3-store';
import { MAX_TXN_WRITES, type Store, type Write } from '../lib/etcd/store';
import { dnsQuery } from '../test/support/dns-client';
import { docker } from '../test/support/docker';
import { ensureTestImage } from '../test/support/docker-images';
import { startEtcd, type EtcdServer } from '../test/support/etcd-server';
import { sourceCommand } from '../test/support/source-process';
import { startBareNode } from './bare-node';
import type { Load } from './dns-load';
import type { Told } from './dns-server';

const run = promisify(execFile);

const PREFIX = '/berth-bench';
export const DNS_SIZE = { services: 10_000, endpoints: 10 } as const;
/** On which all of the endpoints are. */
const HOSTS = 1000;
/** As many as a busy host's containers, and few enough that nobody's queue runs over. */
const IN_FLIGHT = 64;
const LOAD_SECONDS = 3;
const TXNS_AT_ONCE = 8;
const ECHO =
  "const s = require('node:dgram').createSocket('udp4'); s.on('message', (m, from) => s.send(m, from.port, from.address));" +
  "s.bind(0, '127.0.0.1', () => console.log('127.0.0.1:' + s.address().port));";

const addressOf = (host: number): string => `10.0.${host >> 8}.${host & 255}`;
export const serviceName = (service: number): string => `web-${service}`;

export class DnsSite {
  readonly keys: Keys = keysUnder(PREFIX);
  private readonly closers: (() => unknown)[] = [];

  private constructor(
    readonly etcd: EtcdServer,
    readonly store: Store,
    private readonly server: ChildProcess,
    /** "host:port" of our DNS. */
    readonly address: string,
    private readonly echo: string,
    /** Process in a network of Docker's where another container has the name "other". */
    private readonly contained: string,
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
      const server = fork(source, [etcd.endpoint, PREFIX], { execArgv: [...hook] });
      closers.push(() => server.kill('SIGKILL'));
      const [told] = (await once(server, 'message')) as [Told];
      const address = 'address' in told ? told.address : '';
      const site = new DnsSite(etcd, store, server, address, echo.line, contained);
      site.closers.push(...closers);
      await site.fill();
      return site;
    } catch (error) {
      for (const close of closers.reverse()) await close();
      throw error;
    }
  }

  /** Questions a second, one address of each ten that a service has. @param who is asked */
  async load(who: 'berth' | 'echo' | 'docker'): Promise<Load> {
    const name = who === 'docker' ? 'other' : `${serviceName(0)}.service.berth`;
    const to = { berth: this.address, echo: this.echo, docker: '127.0.0.11:53' }[who];
    const packet = dnsQuery(name, 'A').toString('hex');
    const command = [process.execPath, ...sourceCommand('bench/dns-load.ts')];
    const args = [...command, to, packet, String(LOAD_SECONDS), String(IN_FLIGHT)];
    const inside = who === 'docker' ? [`--net=/proc/${this.contained}/ns/net`] : [];
    const { stdout } = await run('nsenter', [...inside, ...args]);
    return JSON.parse(stdout) as Load;
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

  private async fill(): Promise<void> {
    const writes: Write[] = [];
    for (let service = 0; service < DNS_SIZE.services; service++)
      for (let endpoint = 1; endpoint <= DNS_SIZE.endpoints; endpoint++)
        writes.push(
          this.write(service, endpoint, addressOf((service + (HOSTS / DNS_SIZE.endpoints) * endpoint) % HOSTS)),
        );
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

/** @returns id of a process in a network of Docker's, beside a container that is named "other" there */
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
  await start('other');
  return docker('inspect', '-f', '{{.State.Pid}}', await start('asker'));
}
