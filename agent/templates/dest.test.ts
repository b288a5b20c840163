import { chmod, chown, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DestFile, type DestOptions } from './dest';
import { SETTLED_MS, SourceFile } from './source';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-dest-'));
  path = join(folder, 'proxy.cfg');
});
afterEach(() => rm(folder, { recursive: true }));

const fine = (): Promise<void> => Promise.resolve();

async function put(text: string, options: Omit<DestOptions, 'path'> = {}, inspect = fine): Promise<void> {
  const dest = new DestFile({ path, ...options });
  const wanted = await dest.wanted(text, await dest.look());
  await dest.replace(wanted, inspect);
}

async function lookOf(): Promise<{ text: string; mode: number; uid: number; gid: number }> {
  const { mode, uid, gid } = await stat(path);
  return { text: await readFile(path, 'utf8'), mode: mode & 0o777, uid, gid };
}

describe('a file of a template', () => {
  test('is there with its mode and owner, and nothing else is', async () => {
    await put('new');
    expect(await lookOf()).toEqual({ text: 'new', mode: 0o644, uid: process.getuid!(), gid: process.getgid!() });
    expect(await readdir(folder)).toEqual(['proxy.cfg']);
  });

  test('keeps the mode and the owner that it has', async () => {
    await writeFile(path, 'old');
    await chmod(path, 0o600);
    await chown(path, 12, 34);
    await put('new');
    expect(await lookOf()).toEqual({ text: 'new', mode: 0o600, uid: 12, gid: 34 });
  });

  test.each<[Omit<DestOptions, 'path'>, object]>([
    [{ mode: 0o640 }, { mode: 0o640 }],
    [{ owner: '77' }, { uid: 77, gid: 34 }],
    [
      { owner: '77:88', mode: 0o600 },
      { uid: 77, gid: 88, mode: 0o600 },
    ],
    [{ owner: 'root:root' }, { uid: 0, gid: 0 }],
  ])('gets those that are set: %j', async (options, wanted) => {
    await writeFile(path, 'old');
    await chown(path, 12, 34);
    await put('new', options);
    expect(await lookOf()).toMatchObject({ text: 'new', ...wanted });
  });

  test('of an owner that is not there says so', async () => {
    await expect(put('new', { owner: 'nobody-of-the-name' })).rejects.toThrow('there is no user "nobody-of-the-name"');
    await expect(put('new', { owner: 'root:nobody-of-the-name' })).rejects.toThrow('there is no group');
  });

  test('is inspected beside its place, as it will be, under a name that no pattern for files matches', async () => {
    await put('old');
    const seen: string[] = [];
    await put('new', { mode: 0o640 }, async () => {
      seen.push(...(await readdir(folder)), await readFile(join(folder, '.proxy.cfg.berth-new'), 'utf8'));
      expect((await stat(join(folder, '.proxy.cfg.berth-new'))).mode & 0o777).toBe(0o640);
    });
    expect(seen).toEqual(['.proxy.cfg.berth-new', 'proxy.cfg', 'new']);
  });

  test('that is no good leaves the old one, and nothing beside it', async () => {
    await put('old');
    await expect(put('new', {}, () => Promise.reject(new Error('bad')))).rejects.toThrow('bad');
    expect((await lookOf()).text).toBe('old');
    expect(await readdir(folder)).toEqual(['proxy.cfg']);
  });

  test('takes the place of what a killed agent left beside it, and writes through no link there', async () => {
    await writeFile(join(folder, 'other'), 'of somebody else');
    await symlink(join(folder, 'other'), join(folder, '.proxy.cfg.berth-new'));
    await put('new');
    expect((await lookOf()).text).toBe('new');
    expect(await readFile(join(folder, 'other'), 'utf8')).toBe('of somebody else');
  });

  test('that is a link stays one, and the file that it leads to is replaced', async () => {
    await mkdir(join(folder, 'real'));
    await writeFile(join(folder, 'real/proxy.cfg'), 'old');
    await symlink('real/proxy.cfg', path);
    await put('new');
    expect((await lstat(path)).isSymbolicLink()).toBe(true);
    expect(await readFile(join(folder, 'real/proxy.cfg'), 'utf8')).toBe('new');
    expect(await readdir(folder)).toEqual(['proxy.cfg', 'real']);
  });

  test('in a folder that is not there can not be written', async () => {
    path = join(folder, 'missing/proxy.cfg');
    await expect(put('new')).rejects.toThrow(/ENOENT.*missing/);
  });

  test('that can not be made leaves the old one, and nothing beside it', async () => {
    await put('old');
    const dest = new DestFile({ path });
    const look = { ...(await dest.look())!, text: 'new', uid: -2 };
    // No file can have this owner.
    await expect(dest.replace(look, fine)).rejects.toThrow();
    expect((await lookOf()).text).toBe('old');
    expect(await readdir(folder)).toEqual(['proxy.cfg']);
  });

  test('is seen to be changed by others, and not by itself', async () => {
    const dest = new DestFile({ path });
    const changed: boolean[] = [];
    const note = async (): Promise<void> => void changed.push(await dest.hasChanged());
    await dest.replace(await dest.wanted('new', await dest.look()), fine);
    await note();
    await chmod(path, 0o600);
    await note();
    await dest.look();
    await note();
    await rm(path);
    await note();
    await dest.look();
    await note();
    expect(changed).toEqual([false, true, false, true, false]);
  });
});

describe('a template', () => {
  test('that is being edited is read when it has stood still', async () => {
    await writeFile(path, 'one');
    const source = new SourceFile(path);
    expect(await source.load(0)).toEqual({ text: 'one', isSettling: false });
    await writeFile(path, 'tw');
    expect(await source.hasChanged()).toBe(true);
    expect(await source.load(10)).toEqual({ text: 'one', isSettling: true });
    await writeFile(path, 'two');
    expect(await source.load(SETTLED_MS)).toEqual({ text: 'one', isSettling: true });
    expect(await source.load(2 * SETTLED_MS - 1)).toEqual({ text: 'one', isSettling: true });
    expect(await source.load(2 * SETTLED_MS)).toEqual({ text: 'two', isSettling: false });
    expect(await source.hasChanged()).toBe(false);
  });

  test('that is gone is an error, and seen to be back', async () => {
    const source = new SourceFile(path);
    await expect(source.load(0)).rejects.toThrow('ENOENT');
    expect(await source.hasChanged()).toBe(false);
    await writeFile(path, 'one');
    expect(await source.hasChanged()).toBe(true);
    expect(await source.load(0)).toEqual({ text: 'one', isSettling: false });
  });
});
