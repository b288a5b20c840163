import { createFakeClock } from '../test/support/fake-clock';
import { ConnectionTime } from './connection-time';

test('since when it is there or gone, and how old the last word is', () => {
  const clock = createFakeClock();
  const etcd = new ConnectionTime(clock);
  clock.jump(500);
  etcd.note(false);
  expect(etcd.state).toEqual({ connected: false, forMs: 500, ageMs: -1 });
  etcd.note(true);
  clock.jump(2000);
  etcd.note(true);
  expect(etcd.state).toEqual({ connected: true, forMs: 2000, ageMs: 0 });
  etcd.note(false);
  clock.jump(300);
  etcd.note(false);
  expect(etcd.state).toEqual({ connected: false, forMs: 300, ageMs: 300 });
});
