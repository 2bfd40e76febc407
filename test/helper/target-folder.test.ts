// SPDX-License-Identifier: Apache-2.0
/** Where keys are not written to. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { TargetFolder } from '../../src/helper/target-folder.ts';

const uid = process.getuid!();
const asRoot = uid === 0 ? it : it.skip;
let top: string;
let path: string;

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'assay-tf-'));
  path = join(top, 'out');
});

afterEach(() => rmSync(top, { recursive: true, force: true }));

const open = (acceptShared = false): Promise<TargetFolder> => TargetFolder.open(path, { uid, acceptShared });
const unsafe = expect.objectContaining({ reason: 'HELPER_FOLDER_UNSAFE' });
const key = { name: 'tls.key', bytes: Buffer.from('key'), mode: 0o600, uid: undefined, gid: undefined };

describe('a folder for keys', () => {
  it('is made where the one above it is there', async () => {
    await (await open()).close();
    expect(existsSync(path)).toBe(true);
    path = join(top, 'not/there');
    await expect(open()).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it.each([0o777, 0o775, 0o1777, 0o757])('I10: is refused when others can write it: mode %o', async (mode) => {
    mkdirSync(path);
    chmodSync(path, mode);
    await expect(open()).rejects.toEqual(unsafe);
  });

  it('I10: is refused when others can rename it away', async () => {
    mkdirSync(path);
    chmodSync(top, 0o777);
    await expect(open()).rejects.toEqual(unsafe);
  });

  asRoot('I10: is refused when it is somebody else’s, or leads through their folder', async () => {
    mkdirSync(path);
    chownSync(path, 4711, 4711);
    await expect(open()).rejects.toEqual(unsafe);
    chownSync(path, 0, 0);
    mkdirSync(join(top, 'theirs'));
    renameSync(path, join(top, 'theirs/out'));
    symlinkSync('theirs/out', path);
    chownSync(join(top, 'theirs'), 4711, 4711);
    await expect(open()).rejects.toEqual(unsafe);
  });

  asRoot('I10: is not made below a folder of somebody else', async () => {
    chownSync(top, 4711, 4711);
    await expect(open()).rejects.toEqual(unsafe);
    expect(existsSync(path)).toBe(false);
  });

  it('I10: may be shared if the operator says so, and no link in it is followed even then', async () => {
    mkdirSync(path);
    chmodSync(path, 0o777);
    const folder = await open(true);
    writeFileSync(join(top, 'precious'), 'precious');
    symlinkSync(join(top, 'precious'), join(path, 'tls.key'));
    await expect(folder.put(key)).rejects.toMatchObject({ code: 'EEXIST' });
    symlinkSync(join(top, 'nowhere'), join(path, 'other.key'));
    await expect(folder.put({ ...key, name: 'other.key' })).rejects.toMatchObject({ code: 'EEXIST' });
    expect(existsSync(join(top, 'nowhere'))).toBe(false);
    expect(readFileSync(join(top, 'precious'), 'utf8')).toBe('precious');
    await folder.close();
  });

  it('stays the one that was opened when its path leads elsewhere by then', async () => {
    const folder = await open();
    renameSync(path, join(top, 'moved'));
    mkdirSync(path);
    await folder.put(key);
    await folder.close();
    expect(existsSync(join(top, 'moved/tls.key'))).toBe(true);
    expect(existsSync(join(path, 'tls.key'))).toBe(false);
  });

  asRoot('I10: a version that somebody has put in the place of ours gets no key', async () => {
    const folder = await open();
    const made = TargetFolder.prototype.make;
    mkdirSync(join(path, 'theirs'));
    chownSync(join(path, 'theirs'), 4711, 4711);
    const seen: string[] = [];
    // The moment between mkdir and open, which belongs to whoever can write a shared folder.
    const at = folder.at.bind(folder);
    Object.defineProperty(folder, 'at', {
      value: (name: string) => {
        seen.push(name);
        return at(seen.length === 1 ? name : 'theirs');
      },
    });
    await expect(made.call(folder, 'version')).rejects.toEqual(unsafe);
    await folder.close();
  });
});
