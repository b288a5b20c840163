/** What every Engine promises of commands in containers. */
import type { Engine } from '../../agent/docker/engine';
import { hookOf } from '../support/desired';
import {
  ENGINE_SUBJECTS,
  expectEngineError,
  newOwner,
  requestOf,
  type EngineSubject,
} from '../support/engine-subjects';

describe.each(ENGINE_SUBJECTS)('%s', (_name, startSubject) => {
  let subject: EngineSubject;
  let owner: ReturnType<typeof newOwner>;
  let engine: Engine;
  beforeAll(async () => void (subject = await startSubject()));
  beforeEach(() => {
    owner = newOwner();
    engine = subject.connect(owner);
  });
  afterEach(() => subject.cleanUp(owner.prefix));

  const create = (): Promise<string> => engine.create(requestOf(subject, owner));

  test('a command is begun, and then it ends with its code', async () => {
    const id = await create();
    await engine.start(id);
    const order: string[] = [];
    const { exitCode } = await engine.exec(id, hookOf('true'), 10_000, () => order.push('begun'));
    order.push('ended');
    expect([exitCode, order]).toEqual([0, ['begun', 'ended']]);
  });

  test('none is begun in a container that does not run, or is gone', async () => {
    let begun = 0;
    const id = await create();
    await expectEngineError(
      engine.exec(id, hookOf('true'), 10_000, () => begun++),
      'bad-request',
      /is not running/,
    );
    await expectEngineError(
      engine.exec('f'.repeat(64), hookOf('true'), 10_000, () => begun++),
      'no-such-container',
    );
    expect(begun).toBe(0);
  });

  test('its end is told with what it wrote, on both streams', async () => {
    const id = await create();
    await engine.start(id);
    const { exitCode, output } = await engine.exec(id, hookOf('sh', '-c', 'echo out; echo err >&2; exit 4'), 10_000);
    expect([exitCode, output.split(/\s/).sort()]).toEqual([4, ['err', 'out']]);
  });

  test('it is run as whom, where and with what it was asked for', async () => {
    const id = await create();
    await engine.start(id);
    const command = ['sh', '-c', 'echo $WHO in $PWD as $(id -u)'];
    expect((await engine.exec(id, hookOf(...command), 10_000)).output).toBe('in / as 0');
    const change = { user: '7', workingDir: '/tmp', environment: { WHO: 'she' } };
    expect((await engine.exec(id, { ...hookOf(...command), ...change }, 10_000)).output).toBe('she in /tmp as 7');
  });

  test('one that takes too long is given up', async () => {
    const id = await create();
    await engine.start(id);
    await expectEngineError(engine.exec(id, hookOf('sleep', '5'), 300), 'timeout');
  });
});
