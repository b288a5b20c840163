import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { startSource } from '../test/support/source-process';
import { until } from '../test/support/wait';
import { lockStateDir, readAgentId } from './identity';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'berth-identity-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the id', () => {
  test('is the same after a restart, and another in another folder', async () => {
    const id = await readAgentId(folder);
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(await readAgentId(folder)).toBe(id);
    const other = mkdtempSync(join(tmpdir(), 'berth-identity-'));
    expect(await readAgentId(other)).not.toBe(id);
    rmSync(other, { recursive: true });
  });

  test.each([
    ['empty, after a crash', ''],
    ['blank', ' \n'],
    ['far too long to be one', 'x'.repeat(1000)],
  ])('is made anew when the file is %s', async (_, text) => {
    writeFileSync(join(folder, 'agent-id'), text);
    const id = await readAgentId(folder);
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(await readAgentId(folder)).toBe(id);
  });

  test('that is there and can not be read is no reason for a new one', async () => {
    symlinkSync(folder, join(folder, 'agent-id'));
    await expect(readAgentId(folder)).rejects.toThrow(/EISDIR/);
  });
});

describe('the lock', () => {
  test('creates the folder, and refuses a second one however the folder is spelled', async () => {
    const state = join(folder, 'a', 'state');
    const lock = await lockStateDir(state);
    symlinkSync(state, join(folder, 'link'));
    for (const same of [state, `${state}/`, join(folder, 'a', '..', 'a', 'state'), join(folder, 'link')])
      await expect(lockStateDir(same)).rejects.toThrow(/another agent is running with the state folder/);
    const other = await lockStateDir(join(folder, 'other'));
    other.close();
    lock.close();
    (await lockStateDir(state)).close();
  });

  test('G2: is free as soon as its process is dead', async () => {
    const script = join(folder, 'lock.ts');
    writeFileSync(
      script,
      `import { lockStateDir } from ${JSON.stringify(join(__dirname, 'identity.ts'))};
       void lockStateDir(${JSON.stringify(folder)}).then(() => { console.log('held'); setInterval(() => 0, 1000); });`,
    );
    const holder = startSource(relative(join(__dirname, '..'), script), []);
    await until('the other to hold it', () => holder.lines.includes('held'));
    await expect(lockStateDir(folder)).rejects.toThrow(/another agent/);
    await holder.stop();
    (await lockStateDir(folder)).close();
  });
});
