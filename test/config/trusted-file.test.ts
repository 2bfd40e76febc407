// SPDX-License-Identifier: Apache-2.0
/** Attack A13: nobody but root and the daemon can have written the configuration. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readSecretFile, readTrustedFile } from '../../src/config/trusted-file.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';

const uid = process.getuid!();
const asRoot = uid === 0 ? it : it.skip;
const top = tempDir('trusted');
let made = 0;

/** A file in a folder of its own. */
function file(): { readonly folder: string; readonly path: string } {
  const folder = join(top, `case-${made++}`);
  mkdirSync(folder, { mode: 0o755 });
  const path = join(folder, 'assay.yaml');
  writeFileSync(path, 'a: 1\n', { mode: 0o644 });
  return { folder, path };
}

const read = (path: string, asUid = uid): Promise<string> => readTrustedFile(path, asUid, '--config', 1_024);

describe('readTrustedFile', () => {
  it('reads a file that only its owner can write, below a sticky folder', async () => {
    expect(await read(file().path)).toBe('a: 1\n');
  });

  it.each([0o664, 0o646, 0o666])('A13: refuses a file of mode %o', async (mode) => {
    const { path } = file();
    chmodSync(path, mode);
    const failure = await refusalOfAsync(() => read(path));
    expect(failure).toMatchObject({
      reason: 'CONFIG_FILE_UNSAFE',
      field: '--config',
      value: path,
      hint: `chmod go-w ${path}`,
    });
  });

  it.each([0o775, 0o757, 0o777])('A13: refuses a folder above of mode %o', async (mode) => {
    const { folder, path } = file();
    mkdirSync(join(folder, 'in'));
    chmodSync(folder, mode);
    writeFileSync(join(folder, 'in/x.yaml'), '', { mode: 0o600 });
    expect((await refusalOfAsync(() => read(path))).value).toBe(folder);
    expect((await refusalOfAsync(() => read(join(folder, 'in/x.yaml')))).value).toBe(folder);
  });

  it('A13: a sticky folder may be written by others', async () => {
    const { folder, path } = file();
    chmodSync(folder, 0o1777);
    expect(await read(path)).toBe('a: 1\n');
  });

  asRoot('A13: refuses a file or folder of another user', async () => {
    const own = file();
    chownSync(own.path, 1234, 0);
    expect((await refusalOfAsync(() => read(own.path))).message).toContain('belongs to uid 1234');
    const above = file();
    chownSync(above.folder, 1234, 0);
    expect((await refusalOfAsync(() => read(above.path))).value).toBe(above.folder);
  });

  asRoot('A13: takes a file of root for a daemon under another uid, and one of its own', async () => {
    const { path } = file();
    expect(await read(path, 1234)).toBe('a: 1\n');
    const own = file();
    chownSync(own.path, 1234, 0);
    expect(await read(own.path, 1234)).toBe('a: 1\n');
  });

  it('A13: looks at the folders of a link and of what it points to', async () => {
    const target = file();
    const link = join(file().folder, 'link.yaml');
    symlinkSync(target.path, link);
    expect(await read(link)).toBe('a: 1\n');
    chmodSync(target.folder, 0o777);
    expect((await refusalOfAsync(() => read(link))).value).toBe(target.folder);
  });

  asRoot('A13: refuses a link of another user, also in a sticky folder', async () => {
    const { folder, path } = file();
    chmodSync(folder, 0o1777);
    const link = join(folder, 'link.yaml');
    symlinkSync(path, link);
    execFileSync('chown', ['-h', '1234', link]);
    expect((await refusalOfAsync(() => read(link))).value).toBe(link);
  });

  it('names what is missing, no file, or too large', async () => {
    const { folder, path } = file();
    expect((await refusalOfAsync(() => read(join(folder, 'none')))).message).toContain('does not exist');
    expect((await refusalOfAsync(() => read(folder))).message).toContain('is no regular file');
    writeFileSync(path, 'x'.repeat(1_025));
    expect((await refusalOfAsync(() => read(path))).message).toContain('has 1025 bytes; the most allowed is 1024');
  });

  it('A11: does not wait on a FIFO in the place of the file', async () => {
    const { folder } = file();
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    expect((await refusalOfAsync(() => read(join(folder, 'fifo')))).message).toContain('is no regular file');
  });
});

describe('I10: readSecretFile', () => {
  const gid = process.getgid!();
  const secret = (mode: number, group = gid): Promise<string> => {
    const { path } = file();
    chmodSync(path, mode);
    return readSecretFile(path, uid, group, 'https.key', 1_024);
  };

  it.each([0o600, 0o400, 0o640])('reads a file of mode %o', async (mode) => {
    expect(await secret(mode)).toBe('a: 1\n');
  });

  it.each([0o644, 0o604, 0o601])('refuses a file of mode %o', async (mode) => {
    const refused = await refusalOfAsync(() => secret(mode));
    expect(refused.message).toContain('others can read the secret');
  });

  it('refuses a file that another group can read', async () => {
    const refused = await refusalOfAsync(() => secret(0o640, gid + 1));
    expect(refused.message).toContain(`group ${gid} can read the secret`);
  });
});
