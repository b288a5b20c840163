/** What every Engine promises of the containers that it makes, on the real Docker Engine and on the simulated one. */
import { isOlder } from '../../agent/docker/api-version';
import type { CreateRequest, Engine, EngineErrorCode } from '../../agent/docker/engine';
import type { Ownership } from '../../agent/docker/list/labels';
import type { ContainerSpec } from '../../lib/documents/types';
import { ENGINE_SUBJECTS, expectEngineError, newOwner, NO_MOUNT, NO_NETWORK } from '../support/engine-subjects';
import { requestOf, type EngineSubject } from '../support/engine-subjects';

const NO_CHECK = { test: [], intervalMs: 0, timeoutMs: 0, startPeriodMs: 0, retries: 0 };

describe.each(ENGINE_SUBJECTS)('%s', (_name, startSubject) => {
  let subject: EngineSubject;
  let owner: Ownership;
  let engine: Engine;

  beforeAll(async () => {
    subject = await startSubject();
  });
  beforeEach(() => {
    owner = newOwner();
    engine = subject.connect(owner);
  });
  afterEach(() => subject.cleanUp(owner.prefix));

  const request = (changes: Partial<ContainerSpec> = {}): CreateRequest => requestOf(subject, owner, changes);

  describe('create', () => {
    test('refuses a second container of an instance, and says whose the first is', async () => {
      const id = await engine.create(request());
      await expectEngineError(
        engine.create(request()),
        'name-taken',
        new RegExp(`${id.slice(0, 12)}.*web@7.*${owner.host}`),
      );
      const other = subject.connect({ ...owner, host: 'other' });
      await expectEngineError(other.create(request()), 'name-taken', new RegExp(owner.host));
      expect(await engine.list()).toHaveLength(1);
    });

    test('refuses an image that is not on the host', async () => {
      await expectEngineError(
        engine.create(request({ image: 'berth-test/none:1' })),
        'no-such-image',
        /berth-test\/none/,
      );
      expect(await engine.list()).toEqual([]);
    });

    test('refuses a bind mount whose source is missing', async () => {
      const mount = { ...NO_MOUNT, type: 'bind', source: '/no/such/folder', target: '/data' };
      await expectEngineError(engine.create(request({ mounts: [mount] })), 'bad-mount', /\/no\/such\/folder/);
      expect(await engine.list()).toEqual([]);
    });
  });

  describe('create refuses', () => {
    const network = { ...NO_NETWORK, name: 'berth-test-no-such' };
    const volume = { ...NO_MOUNT, type: 'volume', source: 'berth-test-no-such', target: '/x', volumeExternal: true };
    test.each<[string, Partial<ContainerSpec>, EngineErrorCode, RegExp]>([
      ['a network that is not on the host', { networks: [network] }, 'bad-request', /no network "berth-test-no-such"/],
      [
        'an external volume that is not on the host',
        { mounts: [volume] },
        'bad-mount',
        /no volume "berth-test-no-such".*external/,
      ],
      ['a placeholder that means nothing', { hostname: '{{.No.Such}}' }, 'bad-request', /\{\{\.No\.Such\}\}: no such/],
      [
        'a hostname that becomes too long',
        { hostname: 'x'.repeat(50) + '{{.Task.ID}}' },
        'bad-request',
        /x{50}web-1-.*64 are the limit/,
      ],
    ])('%s, and says so', async (_what, changes, code, message) => {
      await expectEngineError(engine.create(request(changes)), code, message);
      expect(await engine.list()).toEqual([]);
    });

    test.each<[string, string, Partial<ContainerSpec>]>([
      ['1.43', 'annotations', { annotations: { a: 'b' } }],
      ['1.44', 'start_interval', { healthCheck: { ...NO_CHECK, test: ['CMD', 'true'], startIntervalMs: 1000 } }],
      ['1.45', 'subpath', { mounts: [{ ...NO_MOUNT, type: 'volume', target: '/x', volumeSubpath: 'y' }] }],
      [
        '1.44',
        'mac_address',
        {
          networks: [
            { ...NO_NETWORK, name: 'bridge' },
            { ...NO_NETWORK, name: 'x', macAddress: '02:00:00:00:00:01' },
          ],
        },
      ],
    ])('what needs API %s of an engine that is older: %s', async (apiVersion, what, changes) => {
      const making = engine.create(request(changes)).then(
        () => 'done',
        (error: Error) => error.message,
      );
      const refusal = new RegExp(`${what}.* needs Docker .*API ${apiVersion}`);
      if (isOlder((await engine.facts()).apiVersion, apiVersion)) expect(await making).toMatch(refusal);
      else expect(await making).not.toMatch(refusal);
    });
  });
});
