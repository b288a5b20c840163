import { systemClock } from '../../lib/clock';
import { connectEtcd } from '../../lib/etcd/etcd3-store';
import { startLeaseSession } from '../../lib/etcd/lease-session';
import type { LeaseSession } from '../../lib/etcd/lease-session';
import { startMirror } from '../../lib/etcd/mirror';
import type { Mirror } from '../../lib/etcd/mirror';
import type { Store } from '../../lib/etcd/store';
import { startEtcdCluster } from '../support/etcd-server';
import type { EtcdCluster, EtcdServer } from '../support/etcd-server';
import { pause, put, until } from '../support/watch-recorder';

jest.setTimeout(120_000);

/** TTL of hosts by default: no member's death may cost it. */
const TTL_MS = 5000;

let cluster: EtcdCluster;
let store: Store;
let mirror: Mirror;
let session: LeaseSession;
let states: string[];

beforeEach(async () => {
  cluster = await startEtcdCluster(3);
  store = connectEtcd({ endpoints: cluster.endpoints });
  states = [];
  mirror = startMirror({ store, clock: systemClock, range: { prefix: '/m/' }, onChange: () => undefined });
  session = startLeaseSession({
    store,
    clock: systemClock,
    ttlMs: TTL_MS,
    puts: () => [{ key: '/alive', value: 'me' }],
    onState: (state) => states.push(state),
  });
  await until(() => mirror.connected && session.isHeld);
});

afterEach(async () => {
  mirror.close();
  await session.close({ revoke: false });
  store.close();
  await cluster.stop();
});

/** Writes numbered keys for a while, each until it is acknowledged. @returns how many */
async function writeFor(durationMs: number): Promise<number> {
  const endMs = performance.now() + durationMs;
  let count = 0;
  while (performance.now() < endMs) {
    const isWritten = await store.txn({ compares: [], writes: [put(`/m/${count}`, String(count))] }).then(
      () => true,
      () => false,
    );
    if (isWritten) count++;
    await pause(20);
  }
  return count;
}

describe.each([
  ['killed', (member: EtcdServer) => member.kill()],
  ['stopped', async (member: EtcdServer) => member.pause()],
])('one member %s', (_how, harm) => {
  test('each in turn, the leader among them: writes go on, nothing is missed, the lease lives', async () => {
    let written = 0;
    for (const victim of cluster.members) {
      await harm(victim);
      written = Math.max(written, await writeFor(9000)); // longer than a dead peer can go unnoticed
      await victim.restart();
      await pause(1000);
    }
    expect(written).toBeGreaterThan(20);
    await until(() => mirror.entries().size >= written, 15_000);
    expect(states).toEqual(['held']);
  });
});

test('without a quorum calls fail and the mirror keeps what it has; with it all is well again', async () => {
  await store.txn({ compares: [], writes: [put('/m/a', '1')] });
  await until(() => mirror.entries().size === 1);
  const [first, second] = cluster.members as [EtcdServer, EtcdServer];
  await first.kill();
  await second.kill();
  await until(() => !mirror.connected && !session.isHeld, 15_000);
  await expect(store.txn({ compares: [], writes: [put('/m/b', '1')] })).rejects.toMatchObject({ code: 'unavailable' });
  expect(mirror.entries().size).toBe(1);
  await Promise.all([first.restart(), second.restart()]);
  await until(() => mirror.connected && session.isHeld, 20_000);
  expect(states).toEqual(['held', 'lost', 'held']);
});
