// SPDX-License-Identifier: Apache-2.0
/** Files of one set change in one instant, whatever lay there before. */
import {
  chmodSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FileSet } from '../../src/helper/file-set.ts';
import { LoneFile } from '../../src/helper/lone-file.ts';
import { TargetFolder } from '../../src/helper/target-folder.ts';
import type { WantedFile, WantedSet } from '../../src/helper/wanted-file.ts';
import { systemRandom } from '../../src/lib/random.ts';

const rules = { uid: process.getuid!(), acceptShared: false };
const tools = { random: systemRandom, now: () => Date.now() };
let path: string;
let folder: TargetFolder;

beforeEach(async () => {
  path = mkdtempSync(join(tmpdir(), 'assay-set-'));
  folder = await TargetFolder.open(path, rules);
});

afterEach(async () => {
  await folder.close();
  rmSync(path, { recursive: true, force: true });
});

const file = (name: string, text: string, mode = 0o600): WantedFile => ({
  name,
  bytes: Buffer.from(text),
  mode,
  uid: undefined,
  gid: undefined,
});
const both = (text: string): WantedSet => [file('tls.crt', text, 0o644), file('tls.key', text)];
const read = (name: string): string => readFileSync(join(path, name), 'utf8');
const names = (): readonly string[] => readdirSync(path).sort();
const newSet = (): FileSet => new FileSet(['tls.crt', 'tls.key'], tools);

describe('a set of files', () => {
  it('is there with its modes, whatever the umask', async () => {
    const before = process.umask(0o077);
    try {
      expect(await newSet().write(folder, both('1'))).toBe(true);
    } finally {
      process.umask(before);
    }
    expect([read('tls.crt'), read('tls.key')]).toEqual(['1', '1']);
    expect(statSync(join(path, 'tls.crt')).mode & 0o7777).toBe(0o644);
    expect(statSync(join(path, 'tls.key')).mode & 0o7777).toBe(0o600);
  });

  it('is not touched when nothing differs, also by a helper that was started anew', async () => {
    const set = newSet();
    await set.write(folder, both('1'));
    const version = readlinkSync(join(path, readlinkSync(join(path, 'tls.key')).split('/')[0] as string));
    expect(await set.write(folder, both('1'))).toBe(false);
    expect(await newSet().write(folder, both('1'))).toBe(false);
    expect(names()).toContain(version);
  });

  it.each([
    ['content', [file('tls.crt', '1', 0o644), file('tls.key', '2')]],
    ['mode', [file('tls.crt', '1', 0o644), file('tls.key', '1', 0o640)]],
  ] as const)('is replaced for another %s', async (_what, files) => {
    const set = newSet();
    await set.write(folder, both('1'));
    expect(await set.write(folder, files)).toBe(true);
    expect(read('tls.key')).toBe(files[1].bytes.toString());
  });

  it('is made whole again when somebody removed a name', async () => {
    const set = newSet();
    await set.write(folder, both('1'));
    rmSync(join(path, 'tls.key'));
    expect(await set.write(folder, both('1'))).toBe(true);
    expect(read('tls.key')).toBe('1');
  });

  it('keeps the version before, for who is reading it, and no other', async () => {
    const set = newSet();
    for (const text of ['1', '2', '3', '4']) await set.write(folder, both(text));
    const versions = names().filter((name) => /\.[0-9a-f]{16}$/.test(name));
    expect(versions.map((name) => read(`${name}/tls.key`)).sort()).toEqual(['3', '4']);
    await set.forget(folder);
    expect(names().filter((name) => /\.[0-9a-f]{16}$/.test(name))).toHaveLength(1);
    expect(read('tls.key')).toBe('4');
  });

  it('removes what a crash left half made', async () => {
    const set = newSet();
    await set.write(folder, both('1'));
    const pointer = readlinkSync(join(path, 'tls.key')).split('/')[0];
    mkdirSync(join(path, `${pointer}.0123456789abcdef`));
    writeFileSync(join(path, `${pointer}.0123456789abcdef/tls.key`), 'half');
    symlinkSync('x', join(path, `${pointer}.0123456789abcde0.link`));
    await newSet().write(folder, both('2'));
    expect(names().filter((name) => name.includes('0123456789'))).toEqual([]);
  });

  it('takes over files of before without a moment in which they differ', async () => {
    writeFileSync(join(path, 'tls.crt'), 'old');
    writeFileSync(join(path, 'tls.key'), 'old', { mode: 0o640 });
    chmodSync(join(path, 'tls.key'), 0o640);
    let seen = 0;
    // Every step that others can see is a rename: look before each.
    const spy = {
      ...systemRandom,
      bytes: (count: number) => {
        look();
        return systemRandom.bytes(count);
      },
    };
    const look = (): void => {
      seen += 1;
      expect([read('tls.crt'), read('tls.key')]).toEqual(['old', 'old']);
      expect(statSync(join(path, 'tls.key')).mode & 0o777).toBe(0o640);
    };
    await new FileSet(['tls.crt', 'tls.key'], { ...tools, random: spy }).write(folder, both('new'));
    expect(seen).toBeGreaterThan(4);
    expect([read('tls.crt'), read('tls.key')]).toEqual(['new', 'new']);
    expect(lstatSync(join(path, 'tls.key')).isSymbolicLink()).toBe(true);
  });

  it('takes over the files of a set that had other names, and removes what is left of it', async () => {
    await newSet().write(folder, both('old'));
    const old = readlinkSync(join(path, 'tls.key')).split('/')[0] as string;
    const more = new FileSet(['tls.crt', 'tls.key', 'ca.crt'], tools);
    await more.write(folder, [...both('new'), file('ca.crt', 'new')]);
    expect([read('tls.crt'), read('tls.key'), read('ca.crt')]).toEqual(['new', 'new', 'new']);
    // As old as it is when the helper starts the next time.
    const then = new Date(Date.now() - 120_000);
    lutimesSync(join(path, old), then, then);
    await new FileSet(['tls.crt', 'tls.key', 'ca.crt'], tools).write(folder, [...both('newer'), file('ca.crt', 'new')]);
    expect(names().filter((name) => name.startsWith(old))).toEqual([]);
  });

  it('never follows a link that stands under a name, and replaces it', async () => {
    const elsewhere = join(path, 'elsewhere');
    writeFileSync(elsewhere, 'precious');
    symlinkSync(elsewhere, join(path, 'tls.key'));
    await newSet().write(folder, both('1'));
    expect(read('elsewhere')).toBe('precious');
    expect(read('tls.key')).toBe('1');
  });

  it('fails where a folder stands under a name, and leaves everything as it was', async () => {
    const set = newSet();
    mkdirSync(join(path, 'tls.key'));
    await expect(set.write(folder, both('1'))).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
    expect(names().filter((name) => name.endsWith('.link'))).toEqual([]);
  });

  it('is compared by what it was made from where the same makes other bytes', async () => {
    const set = newSet();
    const store = (text: string, madeFrom: string): WantedSet => [
      file('tls.crt', '1'),
      { ...file('tls.key', text), madeFrom },
    ];
    await set.write(folder, store('salted 1', 'a'));
    expect(await set.write(folder, store('salted 2', 'a'))).toBe(false);
    expect(read('tls.key')).toBe('salted 1');
    expect(await set.write(folder, store('salted 3', 'b'))).toBe(true);
  });
});

describe('a lone file', () => {
  it('is replaced by another in one instant, and only if it differs', async () => {
    const lone = new LoneFile('token', tools);
    expect(await lone.write(folder, file('token', '1'))).toBe(true);
    const inode = statSync(join(path, 'token')).ino;
    expect(await lone.write(folder, file('token', '1'))).toBe(false);
    expect(statSync(join(path, 'token')).ino).toBe(inode);
    expect(await lone.write(folder, file('token', '2'))).toBe(true);
    expect(statSync(join(path, 'token')).ino).not.toBe(inode);
    expect(names()).toEqual(['token']);
  });

  it('takes the place of a link without following it', async () => {
    writeFileSync(join(path, 'elsewhere'), 'precious');
    symlinkSync('elsewhere', join(path, 'token'));
    await new LoneFile('token', tools).write(folder, file('token', '1'));
    expect([read('token'), read('elsewhere')]).toEqual(['1', 'precious']);
  });
});

(process.getuid!() === 0 ? describe : describe.skip)('an owner', () => {
  it('has the files from the first byte on', async () => {
    const owned: WantedSet = [{ ...file('tls.crt', '1'), uid: 33, gid: 34 }, file('tls.key', '1')];
    await newSet().write(folder, owned);
    expect(statSync(join(path, 'tls.crt'))).toMatchObject({ uid: 33, gid: 34 });
    expect(statSync(join(path, 'tls.key'))).toMatchObject({ uid: 0, gid: 0 });
    expect(await newSet().write(folder, owned)).toBe(false);
  });
});
