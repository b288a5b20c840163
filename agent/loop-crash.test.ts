import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';

const root = join(__dirname, '..');
let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'berth-crash-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ['a pass', 'host.want(undefined as never)', 'desired'],
  ['a step', "host.docker.create = () => { throw new TypeError('a mistake'); }; host.want(wanted)", 'a mistake'],
])('a mistake of the program in %s ends the process, with its stack; it never hangs silently', (_, act, word) => {
  const script = join(folder, 'crash.ts');
  writeFileSync(
    script,
    `import { LoopHost } from ${JSON.stringify(join(root, 'test/support/loop-host.ts'))};
     import { desiredOf, releaseOf } from ${JSON.stringify(join(root, 'test/support/desired.ts'))};
     const host = new LoopHost();
     const wanted = desiredOf({ 'web-1': releaseOf('web') });
     ${act};
     void host.clock.advance(60_000);
     setTimeout(() => process.exit(0), 5000);`,
  );
  const hook = join(root, 'test/support/typescript-hook.js');
  const { status, stderr } = spawnSync(process.execPath, ['-r', hook, script], { cwd: root, encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stderr).toMatch(/TypeError/);
  expect(stderr).toMatch(word);
  expect(stderr).toMatch(/at .*loop\.ts/);
});
