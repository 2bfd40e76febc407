// SPDX-License-Identifier: Apache-2.0
/** Attack A12: a program that a rule names counts only while root alone can change it, or put another in its place. */
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { AT_FDCWD } from '../../src/peer/native.ts';
import { statIdentity } from '../../src/peer/statx.ts';
import { programAmong } from '../../src/peer/trusted-program.ts';
import { asRoot, isRoot } from '../support/peers.ts';

let folder = '';
beforeAll(() => {
  // Not below /tmp, which others may write.
  if (isRoot) folder = mkdtempSync('/var/lib/assay-test-');
  if (isRoot) chmodSync(folder, 0o755);
});
afterAll(() => {
  if (isRoot) rmSync(folder, { recursive: true });
});

function place(name: string): string {
  const path = join(folder, name);
  copyFileSync('/bin/sleep', path);
  chmodSync(path, 0o755);
  return path;
}

const among = (path: string) => programAmong([path], statIdentity(AT_FDCWD, path));

describe('a program that a rule names', () => {
  asRoot('is known by its file, whatever else is named', async () => {
    const path = place('good');
    expect(await programAmong(['/nowhere', path], statIdentity(AT_FDCWD, path))).toEqual({ path });
    const shell = realpathSync('/bin/sh');
    expect(await programAmong([path, '/nowhere'], statIdentity(AT_FDCWD, shell))).toEqual({
      reason: 'it is none of the programs that the rule names; /nowhere cannot be looked at (ENOENT)',
    });
  });

  asRoot.each<[string, (path: string) => void, RegExp]>([
    ['belongs to somebody else', (path) => chownSync(path, 4242, 0), /belongs to uid 4242/],
    ['may be written by its group', (path) => chmodSync(path, 0o775), /can be written by others/],
    ['may be written by all', (path) => chmodSync(path, 0o757), /can be written by others/],
  ])('A12: is not trusted when it %s', async (_what, spoil, reason) => {
    const path = place('spoilt');
    spoil(path);
    expect(await among(path)).toEqual({ reason: expect.stringMatching(reason) });
  });

  asRoot('A12: is not trusted in a folder that others can write, nor through a link', async () => {
    const open = join(folder, 'open');
    mkdirSync(open);
    const path = place('open/program');
    expect(await among(path)).toEqual({ path });
    chmodSync(open, 0o777);
    expect(await among(path)).toEqual({ reason: expect.stringMatching(/open can be written by others/) });
    const link = join(folder, 'link');
    symlinkSync(place('real'), link);
    expect(await among(link)).toEqual({ reason: expect.stringMatching(/link is reached through a link: .*real$/) });
  });
});
