/** G6: what a plan stumbles over, in a document or in the program, harms the service that it belongs to and no other. */
import { decodeDocument } from '../lib/documents/codec';
import { keysUnder } from '../lib/documents/keys';
import { createMemoryStore, type MemoryStore } from '../lib/etcd/memory-store';
import { silentLogger } from '../lib/log';
import { FakeAgent } from '../test/support/fake-agent';
import { createFakeClock, type FakeClock } from '../test/support/fake-clock';
import type { writesFor } from './commit';
import type { compileService } from './compose/compile';
import { startCoordinator } from './coordinator';

jest.mock('./compose/compile', () => {
  const actual = jest.requireActual<{ compileService: typeof compileService }>('./compose/compile');
  const stumbling: typeof compileService = (service, text) => {
    if (text.includes('poison')) throw new Error('nobody thought of that');
    return actual.compileService(service, text);
  };
  return { ...actual, compileService: stumbling };
});

let isWriteBroken = false;
jest.mock('./commit', () => {
  const actual = jest.requireActual<{ writesFor: typeof writesFor }>('./commit');
  const stumbling: typeof writesFor = (changes, ...rest) => {
    if (isWriteBroken && changes.statuses.has('bitter')) throw new Error('nobody thought of this');
    return actual.writesFor(changes, ...rest);
  };
  return { ...actual, writesFor: stumbling };
});

const keys = keysUnder('/b');
const textOf = (image: string): string => `image: ${image}\nx-berth: {}\ndeploy: { update_config: { monitor: 0s } }\n`;

let clock: FakeClock;
let etcd: MemoryStore;
let agent: FakeAgent;
const errors: string[] = [];
beforeEach(() => {
  clock = createFakeClock();
  etcd = createMemoryStore(clock);
  errors.length = 0;
  const log = { ...silentLogger, error: (message: string) => void errors.push(message) };
  startCoordinator({ store: etcd.connect(), keys, clock, log, random: () => 0.5, identity: 'c1', leaseTtlMs: 2000 });
  agent = new FakeAgent({ store: etcd.connect(), keys, clock, name: 'h1' }).start();
});

async function put(key: string, value: string): Promise<void> {
  await etcd.txn({ compares: [], writes: [{ op: 'put', key, value }] });
}

const running = (): readonly string[] => [...agent.running.keys()].map((id) => id.split('-', 1)[0]!).sort();

test('a mistake of the program', async () => {
  for (const service of ['web', 'poison', 'api'])
    await put(keys.service(service), textOf(service === 'poison' ? 'poison:1' : 'a:1'));
  await clock.advance(60_000);
  expect(running()).toEqual(['api', 'web']);
  expect(errors.length).toBeGreaterThan(1);
  expect(new Set(errors)).toEqual(new Set(['a plan failed; will plan again']));
  // Tried every few seconds at most, and well as soon as it can be.
  errors.length = 0;
  await clock.advance(600_000);
  expect(errors.length).toBeLessThan(200);
  await put(keys.service('poison'), textOf('a:1'));
  await clock.advance(120_000);
  expect(running()).toEqual(['api', 'poison', 'web']);
});

test('a mistake between the plan and its writes: the view goes on', async () => {
  isWriteBroken = true;
  for (const service of ['web', 'bitter']) await put(keys.service(service), textOf('a:1'));
  await clock.advance(60_000);
  await put(keys.service('api'), textOf('a:1'));
  await clock.advance(60_000);
  expect(running()).toEqual(['api', 'web']);
  expect(new Set(errors)).toEqual(new Set(['a plan failed; will plan again']));
  isWriteBroken = false;
  await clock.advance(60_000);
  expect(running()).toEqual(['api', 'bitter', 'web']);
});

test('an assignment with the largest revision that there can be: it is read as garbage, and written anew', async () => {
  await put(keys.service('web'), textOf('a:1'));
  await clock.advance(5000);
  const key = keys.assignment('h1');
  const { value } = (await etcd.range({ key })).kvs[0]!;
  await put(key, value.replace(/"revision":\d+/, `"revision":${Number.MAX_SAFE_INTEGER}`));
  await put(keys.service('api'), textOf('a:1'));
  await clock.advance(10_000);
  expect([running(), agent.stopped]).toEqual([['api', 'web'], []]);
  expect(errors).toEqual(['a document is unreadable; the last good one counts']);
  expect(decodeDocument('Assignment', (await etcd.range({ key })).kvs[0]!.value).revision).toBeLessThan(10);
});
