/**
 * A process that uses etcd as the daemons do, for tests that stop it or watch it end. Arguments: endpoint, name, and
 * `close` to close everything after a second. Prints what happens, with the monotonic time of the machine.
 */
import { systemClock } from '../../lib/clock';
import { startElection } from '../../lib/etcd/election';
import { connectEtcd } from '../../lib/etcd/etcd3-store';
import { startLeaseSession } from '../../lib/etcd/lease-session';
import { startMirror } from '../../lib/etcd/mirror';

const [endpoint = '', name = '', mode = 'stay'] = process.argv.slice(2);
const TTL_MS = 5000;

const machineMs = (): number => Number(process.hrtime.bigint() / 1_000_000n);
const say = (what: string): boolean => process.stdout.write(`${what} ${machineMs()}\n`);

const store = connectEtcd({ endpoints: [endpoint] });
const mirror = startMirror({ store, clock: systemClock, range: { prefix: '/x/' }, onChange: () => undefined });
const election = startElection({
  store,
  clock: systemClock,
  ttlMs: TTL_MS,
  leaderPrefix: '/leader/',
  identity: name,
  onElected: () => say('elected'),
  onDeposed: () => say('deposed'),
});
const session = startLeaseSession({
  store,
  clock: systemClock,
  ttlMs: TTL_MS,
  puts: () => [{ key: `/alive/${name}`, value: name }],
  onState: (state) => say(state),
});

if (mode === 'stay') {
  // What the process believes of itself, often: after a stop the first belief must not be a wrong one.
  setInterval(
    () => say(`believes ${election.isLeader ? 'leader' : 'follower'} ${session.isHeld ? 'held' : 'lost'}`),
    50,
  );
} else {
  setTimeout(() => {
    mirror.close();
    void Promise.all([election.close(), session.close({ revoke: true })]).then(() => {
      store.close();
      say('closed');
    });
  }, 1000);
}
