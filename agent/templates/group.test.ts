import { INTERVAL_MS, LIST, TemplateScene } from '../../test/support/template-scene';
import { LOOK_MS, RETRY } from './group';
import { createParser } from './liquid';

const parse = createParser();

let scene: TemplateScene;
beforeEach(() => {
  scene = new TemplateScene(parse);
});
afterEach(() => scene.stop());

describe('rounds', () => {
  test('a new file is rendered, checked, put in its place, and what reads it is told', async () => {
    scene.web('a', 'b');
    await scene.start();
    expect(scene.ran).toEqual(['check /a: a b ', 'reload']);
    expect(scene.text()).toBe('a b ');
    expect(scene.rules).toEqual([]);
  });

  test('the first change after a quiet time is there at once; twenty more within a second make one reload', async () => {
    scene.web();
    await scene.start();
    await scene.advance(INTERVAL_MS);
    for (let count = 1; count <= 20; count++) {
      scene.web(...Array.from({ length: count }, (_, index) => `i${index + 10}`));
      await scene.advance(0);
      expect(scene.reloads()).toBe(2);
      expect(scene.text()).toBe('i10 ');
    }
    await scene.advance(INTERVAL_MS);
    expect(scene.reloads()).toBe(3);
    expect(scene.text()?.split(' ')).toHaveLength(21);
  });

  test('a world that is the same again writes and reloads nothing', async () => {
    scene.web('a');
    await scene.start();
    for (let i = 0; i < 5; i++) {
      scene.web('a');
      await scene.advance(INTERVAL_MS);
    }
    expect(scene.reloads()).toBe(1);
    await scene.advance(10 * LOOK_MS);
    expect(scene.ran).toHaveLength(2);
  });

  test('two files with one reload make one in a round', async () => {
    scene.web('a');
    await scene.start(['/a', '/b']);
    expect(scene.ran).toEqual(['check /a: a ', 'check /b: a ', 'reload']);
  });

  test('without a reload, files are written and that is all', async () => {
    scene.web('a');
    await scene.start(['/a'], '');
    expect(scene.ran).toEqual(['check /a: a ']);
  });

  test('services are followed while the newest rendering asks for them', async () => {
    scene.web('a');
    scene.service('api');
    scene.service('old');
    scene.sources.set('/a', '{{ services.web.size }}{{ services.old.size }}');
    await scene.start();
    expect(scene.discovery.followed).toEqual(['old', 'web']);
    scene.edit('/a', '{{ services.web.size }}{{ services.api.size }}');
    await scene.advance(LOOK_MS);
    expect(scene.discovery.followed).toEqual(['api', 'web']);
    await scene.close();
    expect(scene.discovery.followed).toEqual([]);
  });
});

describe('what is not known yet', () => {
  test('renders nothing, leaves the file as it is, and is followed', async () => {
    scene.looks.set('/a', { text: 'last', mode: 0o644, uid: 0, gid: 0 });
    scene.sources.set('/a', '{{ services.web[0].instance }}{{ services.api.size }}');
    await scene.start(['/a'], '');
    expect(scene.text()).toBe('last');
    expect(scene.rules).toEqual([]);
    // What comes after the error that an unknown service made is asked for when that one is known.
    expect(scene.discovery.followed).toEqual(['web']);
    scene.web('a');
    await scene.advance(0);
    expect(scene.discovery.followed).toEqual(['api', 'web']);
    expect(scene.text()).toBe('last');
    scene.service('api');
    await scene.advance(0);
    expect(scene.text()).toBe('a0');
  });

  test('is also what an earlier agent knew: the file may be newer', async () => {
    scene.looks.set('/a', { text: 'last', mode: 0o644, uid: 0, gid: 0 });
    scene.discovery.remembered.add('web');
    scene.web('a');
    await scene.start(['/a'], '');
    expect(scene.text()).toBe('last');
    scene.discovery.remembered.clear();
    scene.web('a');
    await scene.advance(0);
    expect(scene.text()).toBe('a ');
  });

  test('is a problem when it lasts, until it is known', async () => {
    await scene.start();
    expect(scene.rules).toEqual([]);
    await scene.advance(3 * LOOK_MS);
    expect(scene.messages).toEqual(['files stay as they are: etcd has not said yet what there is of web']);
    scene.web();
    await scene.advance(LOOK_MS);
    expect(scene.rules).toEqual([]);
    expect(scene.text()).toBe('');
  });
});

describe('failures', () => {
  test.each<[string, string, (scene: TemplateScene) => void, (scene: TemplateScene) => void]>([
    ['a check', 'template-check', (s) => s.failures.set('check', 'exited with 1: bad'), (s) => s.failures.clear()],
    ['a slip', 'template', (s) => s.edit('/a', '{{ nothing }}'), (s) => s.edit('/a', LIST)],
    ['half a template', 'template', (s) => s.edit('/a', '{% for'), (s) => s.edit('/a', LIST)],
    ['a template that is gone', 'template', (s) => s.edit('/a', new Error('ENOENT')), (s) => s.edit('/a', LIST)],
    ['a full disk', 'template-file', (s) => (s.diskTrouble = new Error('ENOSPC')), (s) => (s.diskTrouble = undefined)],
  ])('%s: the last good file stays, it is told once, and it mends by itself', async (_, rule, breakIt, mend) => {
    scene.web('a');
    await scene.start();
    breakIt(scene);
    await scene.advance(LOOK_MS);
    // Of a template, the last good one goes on.
    scene.web('a', 'b');
    await scene.advance(5 * 60_000);
    expect(scene.text()).toBe(rule === 'template' ? 'a b ' : 'a ');
    expect(scene.rules).toEqual([rule]);
    expect(scene.log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    mend(scene);
    await scene.advance(RETRY.capMs);
    expect(scene.text()).toBe('a b ');
    expect(scene.rules).toEqual([]);
    expect(scene.changes).toBe(2);
    expect(scene.reloads()).toBe(2);
  });

  test('a check that fails is tried again less and less often, and at once when something changes', async () => {
    scene.failures.set('check', 'exited with 1');
    scene.web('a');
    await scene.start();
    await scene.advance(60_000);
    const tries = scene.ran.length;
    expect(tries).toBeGreaterThan(3);
    expect(tries).toBeLessThan(10);
    scene.web('b');
    await scene.advance(0);
    expect(scene.ran.slice(tries)).toEqual(['check /a: b ']);
  });

  test('one bad template does not keep the others of its reload', async () => {
    scene.web('a');
    scene.sources.set('/a', '{{ nothing }}');
    await scene.start(['/a', '/b']);
    expect(scene.ran).toEqual(['check /b: a ', 'reload']);
    expect(scene.rules).toEqual(['template']);
    scene.web('b');
    await scene.advance(INTERVAL_MS);
    expect(scene.text('/b')).toBe('b ');
  });

  test('a reload that fails is told and tried again until it succeeds', async () => {
    scene.failures.set('reload', 'exited with 1: not running, pid 17');
    scene.web('a');
    await scene.start();
    expect(scene.messages).toEqual([
      '/a changed, and what reads it was not told: the reload exited with 1: not running, pid 17',
    ]);
    scene.failures.set('reload', 'exited with 1: not running, pid 18');
    await scene.advance(60_000);
    expect(scene.reloads()).toBeGreaterThan(2);
    // Told once, though each try printed something else.
    expect(scene.changes).toBe(1);
    scene.failures.clear();
    await scene.advance(RETRY.capMs);
    expect(scene.rules).toEqual([]);
    const done = scene.reloads();
    await scene.advance(10 * RETRY.capMs);
    expect(scene.reloads()).toBe(done);
  });

  test('what fails because the agent stops is no trouble', async () => {
    scene.web('a');
    await scene.start();
    scene.failures.set('check', 'was ended, since the agent stops');
    scene.web('b');
    await scene.stop();
    expect(scene.log.lines).toEqual([]);
  });
});

describe('after a restart of the agent', () => {
  /** Another agent on the disk of the one before. */
  async function restart(): Promise<TemplateScene> {
    await scene.stop();
    const next = new TemplateScene(parse, scene.stamps);
    for (const [dest, look] of scene.looks) next.looks.set(dest, look);
    return (scene = next);
  }

  test('nothing is reloaded that was', async () => {
    scene.web('a');
    await scene.start();
    const next = await restart();
    next.web('a');
    await next.start();
    expect(next.ran).toEqual([]);
  });

  test.each<[string, (scene: TemplateScene) => void | Promise<void>]>([
    [
      'ended between the file and its reload',
      (s) => {
        s.failures.set('reload', 'was ended');
        s.web('b');
        return s.advance(INTERVAL_MS);
      },
    ],
    ['found the file changed by hand', (s) => void s.looks.set('/a', { ...s.looks.get('/a')!, text: 'mine' })],
    ['lost its stamps', (s) => void (s.stamps = new Error('ENOENT'))],
    ['found its stamps damaged', (s) => void (s.stamps = '{"/a": 7')],
  ])('one that %s reloads once', async (_, happen) => {
    scene.web('a');
    await scene.start();
    await happen(scene);
    const next = await restart();
    next.web('b');
    await next.start();
    await next.advance(10 * INTERVAL_MS);
    expect(next.reloads()).toBe(1);
    expect(next.text()).toBe('b ');
  });

  test('a reload that is owed is made also when nothing is known and the template is gone', async () => {
    scene.failures.set('reload', 'was ended');
    scene.web('a');
    await scene.start();
    const next = await restart();
    await next.start();
    expect(next.ran).toEqual(['reload']);
  });

  test('another reload command is run once', async () => {
    scene.web('a');
    await scene.start();
    const next = await restart();
    next.web('a');
    await next.start(['/a'], 'another');
    expect(next.ran).toEqual(['another']);
  });

  test('stamps that can not be written are told, and written when they can be', async () => {
    scene.stampsTrouble = new Error('ENOSPC');
    scene.web('a');
    await scene.start();
    expect(scene.rules).toEqual(['template-file']);
    expect(scene.messages).toEqual(['at its next start the agent reloads what need not be: ENOSPC']);
    scene.stampsTrouble = undefined;
    await scene.advance(RETRY.capMs);
    expect(scene.rules).toEqual([]);
    expect(scene.reloads()).toBe(1);
    const next = await restart();
    next.web('a');
    await next.start();
    expect(next.ran).toEqual([]);
  });
});
