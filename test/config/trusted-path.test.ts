// SPDX-License-Identifier: Apache-2.0
/** Attack A13: what a path names can be changed by root and the daemon alone. */
import { chmodSync, chownSync, lchownSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { distrust } from '../../src/config/trusted-path.ts';
import { tempDir } from '../support/temp-dir.ts';

const uid = process.getuid!();
const asRoot = uid === 0 ? it : it.skip;
const owners = new Set([0, uid]);
const top = realpathSync(tempDir('trusted'));
let made = 0;

function place(): { readonly folder: string; readonly path: string } {
  const folder = join(top, `case-${made++}`);
  mkdirSync(folder, { mode: 0o755 });
  const path = join(folder, 'attestor.js');
  writeFileSync(path, '', { mode: 0o644 });
  return { folder, path };
}

describe('distrust', () => {
  it('finds nothing in a file of ours, below a sticky folder', () => {
    expect(distrust(place().path, owners)).toBeUndefined();
  });

  it.each([0o664, 0o646])('A13: finds a file of mode %o', (mode) => {
    const { path } = place();
    chmodSync(path, mode);
    expect(distrust(path, owners)).toMatchObject({ path, hint: `chmod go-w ${path}` });
  });

  it.each([0o775, 0o757])('A13: finds a folder above of mode %o', (mode) => {
    const { folder, path } = place();
    chmodSync(folder, mode);
    expect(distrust(path, owners)?.path).toBe(folder);
  });

  it('A13: lets others make entries beside a file, but none in a folder that is to hold a socket', () => {
    const { folder, path } = place();
    chmodSync(folder, 0o1777);
    expect(distrust(path, owners)).toBeUndefined();
    expect(distrust(folder, owners, 'folder')).toMatchObject({ path: folder });
    expect(distrust(top, owners, 'folder')).toBeUndefined();
  });

  asRoot('A13: finds what belongs to another uid, and looks at nothing below it', () => {
    const { folder, path } = place();
    chownSync(folder, 7, 0);
    expect(distrust(join(folder, 'not/there'), owners)).toMatchObject({
      path: folder,
      reason: 'belongs to uid 7, who could change it',
    });
    chownSync(folder, 0, 0);
    chownSync(path, 7, 0);
    expect(distrust(path, owners)?.path).toBe(path);
    expect(distrust(path, new Set([0, 7]))).toBeUndefined();
  });

  asRoot('A13: judges links themselves and where they lead', () => {
    const [one, other] = [place(), place()];
    const link = join(one.folder, 'link.js');
    symlinkSync(`..${other.path.slice(top.length)}`, link);
    expect(distrust(link, owners)).toBeUndefined();
    chmodSync(other.folder, 0o757);
    expect(distrust(link, owners)?.path).toBe(other.folder);
    const foreign = join(one.folder, 'foreign.js');
    symlinkSync(one.path, foreign);
    expect(distrust(foreign, owners)).toBeUndefined();
    // lchown: the link is somebody's who could point it elsewhere.

    lchownSync(foreign, 7, 7);
    expect(distrust(foreign, owners)?.path).toBe(foreign);
  });

  it('says what is not there, what is no file and what leads nowhere', () => {
    const { folder, path } = place();
    expect(distrust(join(folder, 'absent'), owners)?.reason).toBe('does not exist');
    expect(distrust(folder, owners)?.reason).toBe('is no regular file');
    expect(distrust(path, owners, 'folder')?.reason).toBe('is no folder');
    expect(distrust(join(path, 'below'), owners)?.reason).toBe('is no folder');
    symlinkSync('b', join(folder, 'a'));
    symlinkSync('a', join(folder, 'b'));
    expect(distrust(join(folder, 'a'), owners)?.reason).toMatch(/circle/);
  });
});
