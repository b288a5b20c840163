/** Read from an engine that takes down one thing and tells another in its events. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ENGINE_VERSION, startAnsweringEngine, type AnsweringEngine } from '../../../test/support/answering-engine';
import { newOwner } from '../../../test/support/engine-subjects';
import { until } from '../../../test/support/wait';
import { systemClock } from '../../../lib/clock';
import { silentLogger } from '../../../lib/log';
import { createDockerEngine } from '../dockerode-engine';
import { NOTHING_TO_LEAVE } from '../../plan/types';
import { containerName, identityLabels } from './labels';

const ID = 'c1';
const INSTANCE = 'web-1-abcd';
const ENDED_MS = 1_800_000_000_000;
const owner = newOwner();
const IDENTITY = { instance: INSTANCE, service: 'web', slot: 1, release: 1, spec: '1:a' };
const LABELS = identityLabels(IDENTITY, owner, [], NOTHING_TO_LEAVE, '');
let exitCode: number;
let events: ServerResponse | undefined;
function reply(request: IncomingMessage, answer: ServerResponse): void {
  answer.writeHead(200, { 'content-type': 'application/json' });
  if (request.url!.includes('/events')) return void (events = answer).flushHeaders();
  answer.end(JSON.stringify(answerTo(request.url!)));
}

function answerTo(url: string): unknown {
  if (url === '/version') return ENGINE_VERSION;
  const Status = `Exited (${exitCode}) 1 second ago`;
  // Not any address with it: the filters of the list name the owner, which may have it in its name.
  if (!url.includes(`/containers/${ID}/`))
    return [{ Id: ID, Names: [], Labels: LABELS, State: 'exited', Status, Created: 1, Ports: [] }];
  return {
    ...{ Id: ID, Name: `/${containerName(INSTANCE)}`, Created: new Date(1).toISOString(), Config: { Labels: LABELS } },
    State: {
      ...{ Status: 'exited', ExitCode: exitCode, OOMKilled: false },
      ...{ StartedAt: new Date(ENDED_MS - 1000).toISOString(), FinishedAt: new Date(ENDED_MS).toISOString() },
    },
    ...{ HostConfig: {}, NetworkSettings: {} },
  };
}

const ending = new AbortController();
let dockerd: AnsweringEngine;
beforeAll(async () => void (dockerd = await startAnsweringEngine(reply)));
afterAll(() => {
  ending.abort();
  dockerd.close();
});

test.each<[string, number, object, boolean]>([
  ['a moment after the end of the run', 137, { timeNano: (ENDED_MS + 700) * 1e6 }, true],
  ['of a run that ended otherwise', 3, { timeNano: (ENDED_MS + 700) * 1e6 }, false],
  ['of an earlier run', 137, { timeNano: (ENDED_MS - 5000) * 1e6 }, false],
  ['long after', 137, { timeNano: (ENDED_MS + 60_000) * 1e6 }, false],
  ['at no time', 137, {}, false],
  ['of another container', 137, { timeNano: (ENDED_MS + 700) * 1e6, Actor: { ID: 'c2' } }, false],
])('for want of memory, told in an event: %s', async (_what, code, event, isForMemory) => {
  exitCode = code;
  events = undefined;
  const options = { docker: dockerd.address, ...owner, clock: systemClock, log: silentLogger };
  const engine = createDockerEngine(options);
  let wakes = 0;
  engine.watch(() => wakes++, ending.signal);
  await until('the events to be followed', () => wakes > 0 && events !== undefined);
  const exit = async () => (await engine.list())[0]!.exit;
  expect(await exit()).toMatchObject({ code, atMs: ENDED_MS, oomKilled: false });
  const before = wakes;
  events!.write(`${JSON.stringify({ Action: 'oom', Actor: { ID }, ...event })}\n`);
  await until('the event to be heard', () => wakes > before);
  expect(await exit()).toMatchObject({ code, atMs: ENDED_MS, oomKilled: isForMemory });
});
