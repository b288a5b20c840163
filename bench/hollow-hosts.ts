/**
 * A process that stands for many hosts: each has its record, its lease's key and its status in etcd, and a watch of its own
 * on its assignment. No container is made. Arguments: endpoint, prefix, first host, number of hosts. Tells its parent how many
 * instances are assigned to its hosts. Once the parent has said 'answer', each host says that all it was assigned runs.
 */
import { decodeDocument, emptyDocument, encodeDocument } from '../lib/documents/codec';
import { keysUnder } from '../lib/documents/keys';
import type { InstanceStatus } from '../lib/documents/types';
import { connectEtcd } from '../lib/etcd/etcd3-store';
import type { KeyValue, Write } from '../lib/etcd/store';
import { sleep } from '../test/support/wait';

/** What a process of hosts tells: of all of its hosts together. */
export interface Tidings {
  readonly isReady: boolean;
  /** Assigned. */
  readonly instances: number;
  /** By service whose name begins with "single": when its first instance was assigned, milliseconds since the Unix epoch. */
  readonly singles: Readonly<Record<string, number>>;
}

const machineMs = (): number => performance.timeOrigin + performance.now();

const TELL_EVERY_MS = 20;
/** Watches that are begun at once. */
const CHUNK = 100;
/** As long as a real host gathers what has happened. */
const ANSWER_AFTER_MS = 200;
const ANSWERS_AT_ONCE = 20;
/** One lease for all of them: 5,000 leases on one machine would be what is measured. */
const LEASE_TTL_MS = 30_000;
const CAPACITY = { nanoCpus: 64e9, memoryBytes: 256 * 1024 ** 3, resources: {} };

const [endpoint = '', prefix = '', first = '0', count = '0'] = process.argv.slice(2);
const keys = keysUnder(prefix);
const store = connectEtcd({ endpoints: [endpoint] });
const names = Array.from({ length: Number(count) }, (_, at) => `host-${Number(first) + at}`);
const assigned = new Map<string, KeyValue>();
/** Hosts that have been told something since they said what they run. */
const toAnswer = new Set<string>();
const counts = new Map<string, number>();
const singles: Record<string, number> = {};
let [isReady, isAnswering, instances, told] = [false, false, 0, ''];

function record(at: number): string {
  const labels = { zone: `z${at % 3}` };
  return encodeDocument('HostRecord', {
    ...emptyDocument('HostRecord'),
    ...{ address: '10.0.0.1', os: 'linux', arch: 'x86_64', labels, capacity: CAPACITY },
  });
}

const REPORT: InstanceStatus = {
  ...{
    service: '',
    slot: 0,
    release: 0,
    phase: 'RUNNING',
    containerId: 'c'.repeat(64),
    health: 'healthy',
    restarts: 0,
    failedTries: 0,
  },
  ports: [{ name: 'http', target: 8080, published: 20_000, protocol: 'tcp' }],
  ...{ reason: '', held: false, spec: `2:${'0'.repeat(16)}`, progress: '', pausedUntilMs: 0, lastRestartReason: '' },
};

function read(host: string, kv: KeyValue): void {
  const { instances: named } = decodeDocument('Assignment', kv.value);
  const all = Object.entries(named);
  instances += all.length - (counts.get(host) ?? 0);
  counts.set(host, all.length);
  assigned.set(host, kv);
  for (const [, { service }] of all) if (service.startsWith('single')) singles[service] ??= machineMs();
  if (isAnswering) setTimeout(() => toAnswer.add(host), ANSWER_AFTER_MS);
}

async function answer(host: string): Promise<void> {
  const assignment = decodeDocument('Assignment', assigned.get(host)?.value ?? '{}');
  const all = Object.entries(assignment.instances);
  const reports = all.map(([id, { service, slot, release }]) => [id, { ...REPORT, service, slot, release }] as const);
  const status = { ...emptyDocument('HostStatus'), assignmentRevision: assignment.revision };
  const text = encodeDocument('HostStatus', { ...status, instances: Object.fromEntries(reports) });
  await store.txn({ compares: [], writes: [{ op: 'put', key: keys.status(host), value: text }] });
}

/** A few at a time: of 2,500 at once in one process, the last would have to wait for longer than a write may take. */
async function answerAll(): Promise<void> {
  for (;;) {
    const hosts = [...toAnswer].slice(0, ANSWERS_AT_ONCE);
    for (const host of hosts) toAnswer.delete(host);
    await Promise.all(hosts.map(answer));
    if (hosts.length === 0) await sleep(TELL_EVERY_MS);
  }
}

function watch(host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    store.watch({ key: keys.assignment(host) }, 1, {
      onCreated: () => resolve(),
      onEvents: (events) => {
        for (const event of events) if (event.type === 'put') read(host, event.kv);
      },
      onEnd: reject,
    });
  });
}

async function main(): Promise<void> {
  const lease = (await store.grantLease(LEASE_TTL_MS)).id;
  setInterval(() => void store.keepLeaseAlive(lease).catch(() => undefined), LEASE_TTL_MS / 3);
  for (let at = 0; at < names.length; at += CHUNK) {
    const chunk = names.slice(at, at + CHUNK);
    const put = (key: string, value: string): Write => ({ op: 'put', key, value });
    await store.txn({ compares: [], writes: chunk.map((name) => ({ ...put(keys.hostAlive(name), '{}'), lease })) });
    await store.txn({ compares: [], writes: chunk.map((name, of) => put(keys.hostRecord(name), record(at + of))) });
    await store.txn({ compares: [], writes: chunk.map((name) => put(keys.status(name), '{}')) });
    await Promise.all(chunk.map(watch));
  }
  isReady = true;
}

setInterval(() => {
  const tidings: Tidings = { isReady, instances, singles };
  const text = JSON.stringify(tidings);
  if (text === told) return;
  told = text;
  process.send?.(tidings);
}, TELL_EVERY_MS);
process.on('message', () => {
  isAnswering = true;
  for (const host of assigned.keys()) toAnswer.add(host);
  run(answerAll());
});
process.on('disconnect', () => process.exit(0));
run(main());

function run(task: Promise<void>): void {
  task.catch((error: unknown) => {
    process.stderr.write(`hollow hosts: ${String((error as Error).stack)}\n`);
    process.exit(1);
  });
}
