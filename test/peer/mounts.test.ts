// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { Mounts, typeOf } from '../../src/peer/mounts.ts';
import { AT_FDCWD } from '../../src/peer/native.ts';
import { shortMountId, statFacts } from '../../src/peer/statx.ts';

const isLocal = (path: string): boolean =>
  new Mounts().isLocal(statFacts(AT_FDCWD, path), shortMountId(AT_FDCWD, path));

describe('a mount', () => {
  it('is told by the id that statx gives', () => {
    const text = '36 35 98:0 /a /b rw - ext4 /dev/x rw\n360 35 0:9 / /c rw shared:1 - fuse.sshfs me@x rw\n';
    expect(typeOf(text, 36n)).toBe('ext4');
    expect(typeOf(text, 360n)).toBe('fuse.sshfs');
    expect(typeOf(text, 3n)).toBeUndefined();
  });

  it('A8, A11: of a file server or of another namespace is not local', () => {
    expect(isLocal(process.execPath)).toBe(true);
    expect(isLocal('/dev/shm')).toBe(true);
    expect(isLocal('/proc/self/stat')).toBe(false);
    const { mountId } = statFacts(AT_FDCWD, '/');
    expect(new Mounts().isLocal({ mountId, mountIdUnique: false }, 4_000_000_000n)).toBe(false);
  });

  it('is remembered only by an id that is never reused', () => {
    const mounts = new Mounts();
    const root = shortMountId(AT_FDCWD, '/');
    expect(mounts.isLocal({ mountId: 1n, mountIdUnique: true }, root)).toBe(
      mounts.isLocal({ mountId: 1n, mountIdUnique: true }, 0n),
    );
    expect(mounts.isLocal({ mountId: 1n, mountIdUnique: false }, 0n)).toBe(false);
  });
});
