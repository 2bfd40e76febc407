// SPDX-License-Identifier: Apache-2.0
/**
 * The key that signs checkpoints of the log: Ed25519, in `<data_dir>/audit/log-key.p8`, and nothing else is signed with it. It is
 * kept on disk also where the authorities' keys are not: a log that outlives its key proves nothing new.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { join } from 'node:path';
import { Failure } from '../lib/failure.ts';
import { openKeyFolder, readKeyFile, writeKeyFile } from '../lib/key-folder.ts';
import type { NoteSigner } from '../merkle/note.ts';

export const AUDIT_FOLDER = 'audit';
const FILE = 'log-key.p8';

export interface LogKey {
  readonly signer: NoteSigner;
  /** It was made just now: nobody knows it yet. */
  readonly isNew: boolean;
}

/** `name`: of the log, as in `merkle/note.ts`. Refuses a file that others can reach, as of any key. */
export async function openLogKey(dataDir: string, name: string): Promise<LogKey> {
  const folder = join(dataDir, AUDIT_FOLDER);
  await openKeyFolder(folder);
  const der = await readKeyFile(folder, FILE);
  if (der !== undefined) return { signer: signerOf(name, parse(der, join(folder, FILE))), isNew: false };
  const { privateKey } = generateKeyPairSync('ed25519');
  const fresh = privateKey.export({ type: 'pkcs8', format: 'der' });
  await writeKeyFile(folder, FILE, fresh).finally(() => fresh.fill(0));
  return { signer: signerOf(name, privateKey), isNew: true };
}

function signerOf(name: string, privateKey: KeyObject): NoteSigner {
  return { name, publicKey: createPublicKey(privateKey), sign: (text) => sign(null, text, privateKey) };
}

function parse(der: Buffer, path: string): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } catch {
    // OpenSSL's words about private key bytes go nowhere (I10).
  } finally {
    der.fill(0);
  }
  if (key?.asymmetricKeyType === 'ed25519') return key;
  throw new Failure('failed-precondition', 'KEY_FILE_BROKEN', `${path} holds no Ed25519 key`, {
    value: path,
    hint: 'put the right file back from a backup; moved away, the log goes on under a new key that nobody knows yet',
  });
}
