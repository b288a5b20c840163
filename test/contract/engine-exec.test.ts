/** What every Engine promises of commands in containers. */
import type { Engine } from '../../agent/docker/engine';
import type { Hook } from '../../lib/documents/types';
import { emptyDocument } from '../../lib/documents/codec';
import {
  containerSpec,
  ENGINE_SUBJECTS,
  expectEngineError,
  newOwner,
  type EngineSubject,
} from '../support/engine-subjects';

const hook = (...command: readonly string[]): Hook => ({
  ...{ command, user: '', privileged: false, workingDir: '', environment: {} },
});

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

  const create = (): Promise<string> =>
    engine.create({
      ...{ instance: `web-1-${owner.host}`, service: 'web', slot: 1, release: 1, spec: '1:abc', publishedPorts: [] },
      ...{ container: containerSpec(subject.image), deploy: emptyDocument('Release').deploy },
    });

  test('a command is begun, and then it ends with its code', async () => {
    const id = await create();
    await engine.start(id);
    const order: string[] = [];
    const { exitCode } = await engine.exec(id, hook('true'), 10_000, () => order.push('begun'));
    order.push('ended');
    expect([exitCode, order]).toEqual([0, ['begun', 'ended']]);
  });

  test('none is begun in a container that does not run, or is gone', async () => {
    let begun = 0;
    const id = await create();
    await expectEngineError(
      engine.exec(id, hook('true'), 10_000, () => begun++),
      'bad-request',
      /is not running/,
    );
    await expectEngineError(
      engine.exec('f'.repeat(64), hook('true'), 10_000, () => begun++),
      'no-such-container',
    );
    expect(begun).toBe(0);
  });
});
