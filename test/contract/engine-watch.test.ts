/** What every Engine promises of its events, on the real Docker Engine and on the simulated one. */
import type { CreateRequest, Engine } from '../../agent/docker/engine';
import type { Ownership } from '../../agent/docker/list/labels';
import { ENGINE_SUBJECTS, newOwner, NO_MOUNT, requestOf, type EngineSubject } from '../support/engine-subjects';

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

  const request = (): CreateRequest => requestOf(subject, owner);
  const begin = async (): Promise<string> => {
    const id = await engine.create(request());
    await engine.start(id);
    return id;
  };

  describe('watch', () => {
    const watching = new AbortController();
    afterAll(() => watching.abort());

    test('wakes once connected, and for every change of a container of ours', async () => {
      let wakes = 0;
      const woken = async (what: () => Promise<unknown>): Promise<void> => {
        const before = wakes;
        await what();
        for (const endMs = Date.now() + 5000; wakes === before;) {
          if (Date.now() > endMs) throw new Error(`not woken by ${what.toString()}`);
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        await quiet(); // the next wake is of the next change
      };
      await woken(async () => engine.watch(() => wakes++, watching.signal));
      let id = '';
      await woken(async () => (id = await engine.create(request())));
      await woken(() => engine.start(id));
      await woken(() => subject.kill(id));
      await woken(() => engine.start(id));
      await woken(() => engine.stop(id, 0));
      await woken(() => engine.remove(id));
    });

    test('does not wake for others, nor after the end', async () => {
      const ending = new AbortController();
      let wakes = 0;
      subject.connect({ ...owner, host: 'other' }).watch(() => wakes++, ending.signal);
      await quiet();
      expect(wakes).toBe(1);
      const id = await begin();
      await quiet();
      expect(wakes).toBe(1);
      ending.abort();
      subject.connect(owner).watch(() => wakes++, ending.signal);
      await engine.stop(id, 0);
      await quiet();
      expect(wakes).toBe(1);
    });
  });

  test('volumes that have names are listed, whoever made them; each that comes or goes wakes', async () => {
    const name = `vol-${owner.host}`;
    const mounts = ['', `${name}-mounted`].map((source) => ({
      ...NO_MOUNT,
      type: 'volume',
      source,
      target: `/v${source}`,
    }));
    const watching = new AbortController();
    let wakes = 0;
    const woken = async (what: () => Promise<unknown>): Promise<void> => {
      const before = wakes;
      await what();
      for (const endMs = Date.now() + 5000; wakes === before;) {
        if (Date.now() > endMs) throw new Error(`not woken by ${what.toString()}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await quiet();
    };
    const ours = async (): Promise<readonly string[]> => (await engine.volumes()).filter((one) => one.startsWith(name));
    try {
      await woken(async () => engine.watchVolumes(() => wakes++, watching.signal));
      await woken(() => subject.addVolume(name));
      expect(await ours()).toEqual([name]);
      await woken(() => engine.create(requestOf(subject, owner, { mounts })));
      expect(await ours()).toEqual([name, `${name}-mounted`]);
      expect((await engine.volumes()).filter((one) => /^[0-9a-f]{64}$/.test(one))).toEqual([]);
      await woken(() => subject.removeVolume(name));
      expect(await ours()).toEqual([`${name}-mounted`]);
      watching.abort();
      const last = wakes;
      await subject.addVolume(name);
      await quiet();
      expect(wakes).toBe(last);
    } finally {
      watching.abort();
      await subject.cleanUp(owner.prefix);
      for (const one of [name, `${name}-mounted`]) await subject.removeVolume(one);
    }
  });
});

/** Long enough for Docker to tell what it has to tell. */
const quiet = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 400));
