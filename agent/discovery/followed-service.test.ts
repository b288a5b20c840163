/** What one service takes of what etcd says, and in which order it may come. */
import type { KeyValue } from '../../lib/etcd/store';
import { silentLogger } from '../../lib/log';
import { endpoint, keys } from '../../test/support/discovery-world';
import { createFakeClock } from '../../test/support/fake-clock';
import { EndpointReader } from './endpoint-reading';
import { FollowedService } from './followed-service';

let changes: number;
let service: FollowedService;
beforeEach(() => {
  changes = 0;
  service = new FollowedService('web', {
    ...{ clock: createFakeClock(), log: silentLogger, reader: new EndpointReader(), isSubscribed: () => true },
    ...{ accepts: () => Promise.resolve(false), aliveSince: () => Promise.resolve(1), onChange: () => changes++ },
  });
});
afterEach(() => service.close());

const at = (modRevision: number, host = 1): KeyValue => ({
  ...{ key: keys.endpoint('web', 'web-1-a'), value: endpoint(host), createRevision: 1, modRevision },
});
const hosts = (): readonly string[] => service.known.endpoints.map(({ host }) => host);

test('an event that is older than a list takes nothing back of what that said', () => {
  service.list(new Map([['web-1-a', at(10, 2)]]), 10);
  service.apply(new Map([['web-1-a', undefined]]), 9);
  service.apply(new Map([['web-1-a', at(10, 1)]]), 10);
  expect(hosts()).toEqual(['10.0.0.2']);
  service.apply(new Map([['web-1-a', at(11, 3)]]), 11);
  expect(hosts()).toEqual(['10.0.0.3']);
});

test('a list that says the same again changes nothing; one of a restored store counts, though it is of an older revision', () => {
  service.list(new Map([['web-1-a', at(10)]]), 10);
  const { known } = service;
  service.list(new Map([['web-1-a', at(10)]]), 20);
  expect([service.known === known, changes]).toEqual([true, 1]);
  service.list(new Map([['web-1-a', at(10, 2)]]), 10);
  expect(hosts()).toEqual(['10.0.0.2']);
  service.list(new Map(), 5);
  expect(hosts()).toEqual([]);
  service.apply(new Map([['web-1-a', at(6, 4)]]), 6);
  expect(hosts()).toEqual(['10.0.0.4']);
});
