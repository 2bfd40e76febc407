// SPDX-License-Identifier: Apache-2.0
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';
import { anEntry, anIdentity, BY } from './samples.ts';

const top = tempDir('data-dir');
const asRoot = process.getuid?.() === 0 ? it : it.skip;
let count = 0;

function freshDir(): string {
  count += 1;
  return join(top, `data-${count}`);
}

async function madeDir(): Promise<string> {
  const dir = freshDir();
  await (await openStore(dir)).close();
  return dir;
}

const modeOf = (path: string) => statSync(path).mode & 0o777;

describe('the data folder', () => {
  it('I10: is 0700 and its files 0600, whatever the umask', async () => {
    const dir = join(freshDir(), 'below', 'it');
    const umask = process.umask(0);
    try {
      const store = await openStore(dir);
      await store.createEntry(anEntry(), anIdentity(), BY);
      const files = readdirSync(dir).sort();
      expect(files).toEqual(
        expect.arrayContaining(['assay.db', 'assay.db-shm', 'assay.db-wal', 'high-water-mark', 'lock.db']),
      );
      for (const file of files) expect([file, modeOf(join(dir, file))]).toEqual([file, 0o600]);
      expect([dir, join(dir, '..'), join(dir, '..', '..')].map(modeOf)).toEqual([0o700, 0o700, 0o700]);
      await store.close();
    } finally {
      process.umask(umask);
    }
  });

  it.each([0o755, 0o710, 0o701])('I10: is refused at mode %o', async (mode) => {
    const dir = await madeDir();
    chmodSync(dir, mode);
    const refused = await refusalOfAsync(() => openStore(dir));
    expect([refused.kind, refused.reason, refused.value]).toEqual(['failed-precondition', 'DATA_DIR_UNSAFE', dir]);
    expect(refused.message).toContain(`its mode is 0${mode.toString(8)}`);
    expect(refused.hint).toContain(`chmod 700 ${dir}`);
  });

  it.each(['assay.db', 'lock.db', 'high-water-mark', 'assay.db-wal'])(
    'I10: is refused with a readable %s',
    async (file) => {
      const dir = await madeDir();
      writeFileSync(join(dir, file), '', { flag: 'a' });
      chmodSync(join(dir, file), 0o640);
      const refused = await refusalOfAsync(() => openStore(dir));
      expect([refused.reason, refused.value]).toEqual(['DATA_DIR_UNSAFE', join(dir, file)]);
    },
  );

  it('I10: is refused as a symbolic link', async () => {
    const [dir, link] = [await madeDir(), freshDir()];
    symlinkSync(dir, link);
    const refused = await refusalOfAsync(() => openStore(link));
    expect(refused.message).toContain('it is a symbolic link');
  });

  it('I10: is refused with a symbolic link for a file', async () => {
    const dir = await madeDir();
    renameSync(join(dir, 'assay.db'), join(dir, 'elsewhere'));
    symlinkSync(join(dir, 'elsewhere'), join(dir, 'assay.db'));
    expect((await refusalOfAsync(() => openStore(dir))).message).toContain('it is a symbolic link');
  });

  it('I10: is refused when it is a file', async () => {
    const dir = freshDir();
    writeFileSync(dir, '', { mode: 0o600 });
    expect((await refusalOfAsync(() => openStore(dir))).message).toContain('it is not a directory');
  });

  asRoot('I10: is refused when it, or a file in it, belongs to another', async () => {
    const [dir, other] = [await madeDir(), await madeDir()];
    chownSync(dir, 65_534, 65_534);
    expect((await refusalOfAsync(() => openStore(dir))).message).toContain('it belongs to uid 65534');
    chownSync(join(other, 'assay.db'), 65_534, 65_534);
    expect((await refusalOfAsync(() => openStore(other))).value).toBe(join(other, 'assay.db'));
  });

  it('a path that cannot be made is named with the reason', async () => {
    const file = join(top, 'plain');
    writeFileSync(file, '');
    const refused = await refusalOfAsync(() => openStore(join(file, 'data')));
    expect([refused.reason, refused.value]).toEqual(['DATA_DIR_UNUSABLE', join(file, 'data')]);
    expect(refused.message).toContain('ENOTDIR');
  });

  it('an empty folder of ours is taken', async () => {
    const dir = freshDir();
    mkdirSync(dir, { mode: 0o700 });
    await (await openStore(dir)).close();
  });
});
