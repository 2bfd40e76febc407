// SPDX-License-Identifier: Apache-2.0
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { systemRandom } from '../../src/lib/random.ts';
import { makePluginFolder } from '../../src/plugins/plugin-folder.ts';
import { asRoot } from '../support/peers.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('folders');
const ownUid = process.getuid?.() ?? 0;
let made = 0;

function folder(some: { name?: string; parent?: string; uid?: number } = {}) {
  const { name = 'mine', parent = join(dir, `p${made++}`), uid = ownUid } = some;
  return { parent, ...makePluginFolder({ parent, name, owner: { uid, gid: uid }, ownUid, random: systemRandom }) };
}

describe('the folder of a plugin’s run', () => {
  it('A13: is new, closed to others, below one that others may pass and not change', () => {
    const { socket, parent } = folder();
    expect(lstatSync(dirname(socket)).mode & 0o777).toBe(0o700);
    expect(lstatSync(parent).mode & 0o777).toBe(0o711);
    expect(readdirSync(dirname(socket))).toEqual([]);
  });

  asRoot('is the plugin’s', () => {
    expect(lstatSync(dirname(folder({ uid: 12_345 }).socket)).uid).toBe(12_345);
  });

  asRoot('cannot be given away without the right to, and says so', () => {
    const parent = join(dir, 'powerless');
    mkdirSync(parent, { mode: 0o711 });
    chmodSync(dir, 0o711);
    chownSync(parent, 12_345, 12_345);
    process.seteuid?.(12_345);
    try {
      const owner = { uid: 12_346, gid: 12_346 };
      expect(() => makePluginFolder({ parent, name: 'mine', owner, ownUid: 12_345, random: systemRandom })).toThrow(
        expect.objectContaining({ reason: 'PLUGIN_UNAVAILABLE', hint: expect.stringContaining('CAP_CHOWN') }),
      );
      expect(readdirSync(parent)).toEqual([]);
    } finally {
      process.seteuid?.(0);
    }
  });

  it('takes the place of what an earlier run of the same plugin left, and leaves others alone', () => {
    const { parent, socket } = folder();
    writeFileSync(socket, '');
    const other = folder({ parent, name: 'mine2' });
    const again = folder({ parent });
    expect(
      readdirSync(parent)
        .map((name) => join(parent, name))
        .sort(),
    ).toEqual([dirname(other.socket), dirname(again.socket)].sort());
  });

  it('A11: is tidied up by name, and nothing that the plugin put there is followed', () => {
    const precious = join(dir, 'precious');
    mkdirSync(precious);
    writeFileSync(join(precious, 'attestor.sock'), 'x');
    const { socket, remove } = folder();
    symlinkSync(precious, socket);
    symlinkSync(precious, join(dirname(socket), 'more'));
    remove();
    expect(existsSync(join(precious, 'attestor.sock'))).toBe(true);
    expect(readdirSync(dirname(socket))).toEqual(['more']);
  });

  it('A13: is not made below a folder of somebody else', () => {
    const parent = join(dir, 'open');
    mkdirSync(parent);
    symlinkSync(parent, join(dir, 'link'));
    expect(() => folder({ parent: join(dir, 'link') })).toThrow(
      expect.objectContaining({ reason: 'SOCKET_FOLDER_UNSAFE' }),
    );
  });
});
