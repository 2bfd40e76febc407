// SPDX-License-Identifier: Apache-2.0
/**
 * Keys in `<data_dir>/keys`, one file each: PKCS#8 in DER, not encrypted, so the folder's 0700 and the daemon's own uid
 * are what guards them. A restart finds them again.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure, quote } from '../../lib/failure.ts';
import { openKeyFolder, readKeyFile, removeKeyFile, writeKeyFile } from '../../lib/key-folder.ts';
import type { Random } from '../../lib/random.ts';
import type { KeyManager } from '../key-manager.ts';
import { authorityKeyOf, keyTypeOf, newKeyRef } from './authority-key.ts';
import { generateKey } from './generate.ts';

const REF = /^(?:x509|jwt|jwt-rsa|wit)-[0-9a-f]{24}$/;
const SUFFIX = '.p8';

/** Refuses a folder that others can reach. `dataDir` exists. */
export async function openDiskKeyManager(opts: { dataDir: string; random: Random }): Promise<KeyManager> {
  const folder = join(opts.dataDir, 'keys');
  await openKeyFolder(folder);
  return {
    name: 'disk',
    async generate(purpose, type) {
      const privateKey = await generateKey(type);
      const ref = newKeyRef(purpose, opts.random);
      const der = privateKey.export({ type: 'pkcs8', format: 'der' });
      await writeKeyFile(folder, ref + SUFFIX, der).finally(() => der.fill(0));
      return authorityKeyOf(ref, type, privateKey);
    },
    async get(ref) {
      const der = await readKeyFile(folder, fileOf(ref));
      if (der === undefined) return undefined;
      const privateKey = parse(der, join(folder, fileOf(ref)));
      const type = keyTypeOf(privateKey);
      if (type === undefined) throw broken(join(folder, fileOf(ref)), 'holds a key of another type');
      return authorityKeyOf(ref, type, privateKey);
    },
    async list() {
      const names = await readdir(folder);
      return names
        .map((name) => name.slice(0, -SUFFIX.length))
        .filter((ref, i) => REF.test(ref) && names[i] === ref + SUFFIX);
    },
    remove: (ref) => removeKeyFile(folder, fileOf(ref)),
  };
}

function parse(der: Buffer, path: string): KeyObject {
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } catch {
    // OpenSSL's words about private key bytes go nowhere, not even to a log (I10).
    throw broken(path, 'holds no PKCS#8 key');
  } finally {
    der.fill(0);
  }
}

/** A reference comes from the database and becomes part of a path. */
function fileOf(ref: string): string {
  // guard: B5 test/authority/disk-keys.test.ts
  if (!REF.test(ref))
    throw new Failure('internal', 'KEY_REF_INVALID', `${quote(ref)} is no name of a key file`, {
      hint: 'the authority table was changed by something else than this daemon',
    });
  return ref + SUFFIX;
}

function broken(path: string, what: string): Failure {
  return new Failure('failed-precondition', 'KEY_FILE_BROKEN', `${path} ${what}`, {
    value: path,
    hint: 'put the right file back, or move it away to start with a new root that nobody trusts yet',
  });
}
