// SPDX-License-Identifier: Apache-2.0
import { chmodSync, chownSync, lstatSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type FolderRules, prepareSocketFolder } from '../../src/peer/socket-folder.ts';
import { asRoot } from '../support/peers.ts';
import { tempDir } from '../support/temp-dir.ts';

const top = tempDir('folder');
const ownUid = process.getuid?.() ?? 0;
const rules: FolderRules = { mode: 0o755, group: undefined, ownUid };
const modeOf = (path: string): number => statSync(path).mode & 0o7777;
const prepare = (path: string, some: Partial<FolderRules> = {}): void =>
  prepareSocketFolder(path, { ...rules, ...some });

let count = 0;
const fresh = (): string => {
  count += 1;
  const folder = join(top, `case-${count}`);
  mkdirSync(folder, { mode: 0o755 });
  return folder;
};

describe('the folder of a socket', () => {
  it('WEP-19: is made with the mode asked for, whatever the umask', () => {
    const folder = fresh();
    const before = process.umask(0o077);
    try {
      prepare(join(folder, 'workload', 'api.sock'));
      process.umask(0);
      prepare(join(folder, 'admin', 'admin.sock'), { mode: 0o750 });
    } finally {
      process.umask(before);
    }
    expect(modeOf(join(folder, 'workload'))).toBe(0o755);
    expect(modeOf(join(folder, 'admin'))).toBe(0o750);
  });

  it('is used again when it is there already', () => {
    const folder = fresh();
    prepare(join(folder, 'w', 'api.sock'));
    expect(() => prepare(join(folder, 'w', 'api.sock'))).not.toThrow();
  });

  it('B3: is refused when it is looser than asked for', () => {
    const folder = fresh();
    mkdirSync(join(folder, 'admin'));
    chmodSync(join(folder, 'admin'), 0o755);
    expect(() => prepare(join(folder, 'admin', 'admin.sock'), { mode: 0o750 })).toThrow(/looser than 0750/);
  });

  it('WEP-19: is refused as a symbolic link', () => {
    const folder = fresh();
    mkdirSync(join(folder, 'real'));
    symlinkSync('real', join(folder, 'link'));
    expect(() => prepare(join(folder, 'link', 'api.sock'))).toThrow(/is a symbolic link/);
    expect(() => prepare(join(folder, 'link', 'deeper', 'api.sock'))).toThrow(/is a symbolic link/);
  });

  it('is refused when a file stands there', () => {
    const folder = fresh();
    writeFileSync(join(folder, 'file'), '');
    expect(() => prepare(join(folder, 'file', 'api.sock'))).toThrow(/not a folder/);
    expect(() => prepare(join(folder, 'file', 'w', 'api.sock'))).toThrow(/not a folder/);
  });

  it.each([0o777, 0o775])('WEP-19: is refused below a folder of mode %o, and allowed with the sticky bit', (mode) => {
    const folder = fresh();
    chmodSync(folder, mode);
    expect(() => prepare(join(folder, 'w', 'api.sock'))).toThrow(/others can replace/);
    chmodSync(folder, mode | 0o1000);
    expect(() => prepare(join(folder, 'w', 'api.sock'))).not.toThrow();
  });

  it('may not be the sticky folder itself: whoever comes first would own the name', () => {
    const folder = fresh();
    chmodSync(folder, 0o1777);
    expect(() => prepare(join(folder, 'api.sock'))).toThrow(/looser/);
  });

  asRoot('WEP-19: is refused when another uid owns it or a folder above it', () => {
    const folder = fresh();
    mkdirSync(join(folder, 'w'));
    chownSync(join(folder, 'w'), 4242, 4242);
    expect(() => prepare(join(folder, 'w', 'api.sock'))).toThrow(/belongs to uid 4242/);
    expect(() => prepare(join(folder, 'w', 'deeper', 'api.sock'))).toThrow(/belongs to uid 4242/);
  });

  asRoot('belongs to the group asked for, also after the group changed', () => {
    const folder = fresh();
    const path = join(folder, 'admin', 'admin.sock');
    prepare(path, { mode: 0o750, group: 4242 });
    expect(statSync(join(folder, 'admin')).gid).toBe(4242);
    prepare(path, { mode: 0o750, group: 4243 });
    expect(statSync(join(folder, 'admin'))).toMatchObject({ gid: 4243 });
    expect(modeOf(join(folder, 'admin'))).toBe(0o750);
  });

  it.each(['w/api.sock', '/tmp/../tmp/w/api.sock', '/tmp//w/api.sock', '/tmp/./w/api.sock'])(
    'must be named plainly: %s',
    (path) => {
      expect(() => prepare(path)).toThrow(/shortest form/);
    },
  );

  it('makes the folders above it that are missing, open to all who pass and to nobody else to change', () => {
    const before = process.umask(0o077);
    try {
      prepare(join(top, 'none', 'w', 'api.sock'));
    } finally {
      process.umask(before);
    }
    expect(lstatSync(join(top, 'none')).mode & 0o7777).toBe(0o755);
  });
});
