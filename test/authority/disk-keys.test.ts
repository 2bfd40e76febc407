// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync, verify } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { KeyManager } from '../../src/authority/key-manager.ts';
import { openDiskKeyManager } from '../../src/authority/keys/disk.ts';
import { memoryKeyManager } from '../../src/authority/keys/memory.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { tempDir } from '../support/temp-dir.ts';

const asRoot = process.getuid!() === 0 ? it : it.skip;
const random = systemRandom;
const top = tempDir('keys');

function dataFolder(): string {
  return mkdtempSync(join(top, 'data-'));
}

function modeOf(path: string): number {
  return lstatSync(path).mode & 0o7777;
}

async function oneKey(): Promise<{ dataDir: string; file: string; ref: string; keys: KeyManager }> {
  const dataDir = dataFolder();
  const keys = await openDiskKeyManager({ dataDir, random });
  const { ref } = await keys.generate('x509', 'ec-p256');
  return { dataDir, file: join(dataDir, 'keys', `${ref}.p8`), ref, keys };
}

const managers = [
  ['memory', async () => memoryKeyManager({ random })],
  ['disk', async () => openDiskKeyManager({ dataDir: dataFolder(), random })],
] as const;

describe.each(managers)('a %s key manager', (name, make) => {
  it.each([
    ['ec-p256', 'sha256'],
    ['ec-p384', 'sha384'],
    ['rsa-2048', 'sha256'],
    ['rsa-4096', 'sha256'],
  ] as const)('makes a key of type %s that signs with its own hash', async (type, hash) => {
    const keys = await make();
    const key = await keys.generate('x509', type);
    expect(key.type).toBe(type);
    const tbs = Buffer.from('to be signed');
    expect(verify(hash, tbs, key.publicKey, await key.sign(tbs))).toBe(true);
  });

  it('finds a key again by its name, lists it, and forgets it', async () => {
    const keys = await make();
    expect(keys.name).toBe(name);
    const [one, other] = [await keys.generate('x509', 'ec-p256'), await keys.generate('x509', 'ec-p384')];
    expect([...(await keys.list())].sort()).toEqual([one.ref, other.ref].sort());
    const found = await keys.get(one.ref);
    expect(found?.publicKey.equals(one.publicKey)).toBe(true);
    await keys.remove(one.ref);
    await keys.remove(one.ref);
    expect(await keys.get(one.ref)).toBeUndefined();
    expect(await keys.list()).toEqual([other.ref]);
  });

  it('I10: has no printable form of a key', async () => {
    const keys = await make();
    const key = await keys.generate('x509', 'ec-p256');
    expect(JSON.stringify(key)).not.toMatch(/PRIVATE|"d"/);
    expect(Object.keys(key).sort()).toEqual(['publicKey', 'purpose', 'ref', 'sign', 'signJws', 'type']);
  });
});

describe('keys on disk', () => {
  it('are found again by the next start', async () => {
    const { dataDir, ref, keys } = await oneKey();
    const before = await keys.get(ref);
    const again = await openDiskKeyManager({ dataDir, random });
    const after = await again.get(ref);
    expect(after?.publicKey.equals(before!.publicKey)).toBe(true);
    expect(after?.type).toBe('ec-p256');
  });

  it('lie in a folder of mode 0700 in files of mode 0600, whatever the umask', async () => {
    const before = process.umask(0);
    try {
      const { dataDir, file } = await oneKey();
      expect(modeOf(join(dataDir, 'keys'))).toBe(0o700);
      expect(modeOf(file)).toBe(0o600);
    } finally {
      process.umask(before);
    }
  });

  it('of which a crash left only half are not keys, and are swept at the next start', async () => {
    const { dataDir, ref } = await oneKey();
    const half = join(dataDir, 'keys', `.new-x509-${'0'.repeat(24)}.p8`);
    writeFileSync(half, 'half', { mode: 0o600 });
    const keys = await openDiskKeyManager({ dataDir, random });
    expect(await keys.list()).toEqual([ref]);
    expect(readdirSync(join(dataDir, 'keys'))).toEqual([`${ref}.p8`]);
  });

  it('are told apart from files that we did not make', async () => {
    const { dataDir, ref, keys } = await oneKey();
    writeFileSync(join(dataDir, 'keys', 'README'), 'mine', { mode: 0o600 });
    expect(await keys.list()).toEqual([ref]);
  });
});

describe('B2: a key that others may have read is refused, with the command that mends it', () => {
  it.each([0o640, 0o604, 0o620, 0o660, 0o601])('a file of mode %o', async (mode) => {
    const { file, ref, keys } = await oneKey();
    chmodSync(file, mode);
    await expect(keys.get(ref)).rejects.toMatchObject({
      kind: 'failed-precondition',
      reason: 'KEY_FILE_UNSAFE',
      value: file,
      hint: `chmod 0600 "${file}"`,
    });
    chmodSync(file, 0o600);
    expect(await keys.get(ref)).toBeDefined();
  });

  it.each([0o750, 0o701, 0o770])('a folder of mode %o', async (mode) => {
    const { dataDir } = await oneKey();
    const folder = join(dataDir, 'keys');
    chmodSync(folder, mode);
    await expect(openDiskKeyManager({ dataDir, random })).rejects.toMatchObject({
      reason: 'KEY_FILE_UNSAFE',
      hint: `chmod 0700 "${folder}"`,
    });
  });

  it('a symbolic link in place of a file', async () => {
    const { dataDir, file, ref, keys } = await oneKey();
    const elsewhere = join(dataDir, 'elsewhere.p8');
    renameSync(file, elsewhere);
    symlinkSync(elsewhere, file);
    await expect(keys.get(ref)).rejects.toMatchObject({
      reason: 'KEY_FILE_UNSAFE',
      message: `${file} is a symbolic link`,
    });
  });

  it('a symbolic link in place of the folder', async () => {
    const { dataDir } = await oneKey();
    renameSync(join(dataDir, 'keys'), join(dataDir, 'moved'));
    symlinkSync(join(dataDir, 'moved'), join(dataDir, 'keys'));
    const opened = openDiskKeyManager({ dataDir, random });
    await expect(opened).rejects.toMatchObject({
      reason: 'KEY_FILE_UNSAFE',
      message: expect.stringContaining('is not a folder'),
    });
  });

  it('a folder in place of a file', async () => {
    const { file, ref, keys } = await oneKey();
    unlinkSync(file);
    mkdirSync(file, { mode: 0o600 });
    await expect(keys.get(ref)).rejects.toMatchObject({ message: `${file} is not a regular file` });
  });

  asRoot('a file of another user', async () => {
    const { file, ref, keys } = await oneKey();
    chownSync(file, 1234, 1234);
    await expect(keys.get(ref)).rejects.toMatchObject({ reason: 'KEY_FILE_UNSAFE', hint: `chown 0 "${file}"` });
  });

  asRoot('a folder of another user', async () => {
    const { dataDir } = await oneKey();
    chownSync(join(dataDir, 'keys'), 1234, 1234);
    await expect(openDiskKeyManager({ dataDir, random })).rejects.toMatchObject({ reason: 'KEY_FILE_UNSAFE' });
  });
});

describe('a key file that is no key', () => {
  it.each([
    ['empty', Buffer.alloc(0)],
    ['text', Buffer.from('-----BEGIN PRIVATE KEY-----')],
    [
      'cut short',
      generateKeyPairSync('ec', { namedCurve: 'P-256' })
        .privateKey.export({ type: 'pkcs8', format: 'der' })
        .subarray(0, 60),
    ],
    ['of a type we do not use', generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'der' })],
    [
      'of a curve we do not use',
      generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey.export({ type: 'pkcs8', format: 'der' }),
    ],
  ])('is refused by name and without a word of its content: %s', async (_, content) => {
    const { file, ref, keys } = await oneKey();
    writeFileSync(file, content);
    const refusal: unknown = await keys.get(ref).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ kind: 'failed-precondition', reason: 'KEY_FILE_BROKEN', value: file });
    expect((refusal as Error).cause).toBeUndefined();
    expect(readFileSync(file).equals(content)).toBe(true);
  });

  it('I9: is not read at all when it is too large to be one', async () => {
    const { file, ref, keys } = await oneKey();
    writeFileSync(file, Buffer.alloc(16_385));
    await expect(keys.get(ref)).rejects.toMatchObject({ reason: 'KEY_FILE_UNSAFE' });
  });
});

describe('B5: a key name from a database that was tampered with', () => {
  it.each(['../../etc/shadow', 'x509-', '', `x509-${'0'.repeat(24)}/../x`, `x509-${'A'.repeat(24)}`])(
    'becomes no path: %j',
    async (ref) => {
      const { keys } = await oneKey();
      await expect(keys.get(ref)).rejects.toMatchObject({ kind: 'internal', reason: 'KEY_REF_INVALID' });
    },
  );
});
