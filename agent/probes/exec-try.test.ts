import { EngineError, type Engine, type EngineErrorCode } from '../docker/engine';
import { createExecTry } from './exec-try';
import type { Outcome } from './outcome';

type Exec = Engine['exec'];
const TARGET = { containerId: 'c', address: '' };

async function outcomeOf(exec: Exec): Promise<Outcome> {
  return createExecTry({ exec })(['check', '-q'], TARGET, new AbortController().signal);
}

test.each<[number, string, Outcome]>([
  [0, 'all is well', { result: 'success' }],
  [1, '', { result: 'failure', reason: 'exit code 1' }],
  [3, 'no database', { result: 'failure', reason: 'exit code 3: no database' }],
])('exit code %d', async (exitCode, output, expected) => {
  expect(await outcomeOf(async () => ({ exitCode, output }))).toEqual(expected);
});

test.each<[EngineErrorCode, string, Outcome['result']]>([
  ['bad-request', 'OCI runtime exec failed: executable file not found in $PATH', 'failure'],
  ['other', 'no space left on device', 'failure'],
  ['unavailable', 'no Docker Engine answers', 'untried'],
  ['timeout', 'Docker did not answer "exec" within 10 s', 'untried'],
  ['no-such-container', 'No such container: c', 'untried'],
  ['bad-request', 'Container 0abc is paused, unpause the container before exec', 'untried'],
  ['bad-request', 'Container 0abc is not running', 'untried'],
])('Docker says %s, %s: %s', async (code, message, result) => {
  expect(await outcomeOf(() => Promise.reject(new EngineError(code, message)))).toEqual({ result, reason: message });
});

test('a command that runs on after its timeout: no other is begun in the container, and each try fails', async () => {
  let begun = 0;
  let end: (exitCode: number) => void = () => undefined;
  const tryExec = createExecTry({
    exec: (_id, _command, _deadlineMs, onBegun) => {
      begun++;
      onBegun!();
      return new Promise((resolve) => (end = (exitCode) => resolve({ exitCode, output: '' })));
    },
  });
  const ask = (containerId = 'c'): [Promise<Outcome>, AbortController] => {
    const aborting = new AbortController();
    return [tryExec(['check'], { containerId, address: '' }, aborting.signal), aborting];
  };
  const [first, aborting] = ask();
  aborting.abort();
  expect(await first).toEqual({ result: 'timeout', reason: 'it did not end' });
  const endFirst = end;
  const stillRuns = { result: 'failure', reason: 'the command of an earlier try still runs' };
  expect(await ask()[0]).toEqual(stillRuns);
  expect(await ask()[0]).toEqual(stillRuns);
  expect(begun).toBe(1);
  const [other] = ask('d');
  expect(begun).toBe(2);
  end(0);
  expect(await other).toEqual({ result: 'success' });
  endFirst(0);
  await new Promise(setImmediate);
  const [next] = ask();
  end(1);
  expect(await next).toEqual({ result: 'failure', reason: 'exit code 1' });
});

test('a command that Docker has not begun by the timeout says nothing about the container', async () => {
  const tryExec = createExecTry({ exec: () => new Promise(() => undefined) });
  const aborting = new AbortController();
  const first = tryExec(['check'], TARGET, aborting.signal);
  aborting.abort();
  expect(await first).toMatchObject({ result: 'untried' });
  expect(await tryExec(['check'], TARGET, new AbortController().signal)).toMatchObject({ result: 'untried' });
});
