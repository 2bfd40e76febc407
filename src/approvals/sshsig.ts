// SPDX-License-Identifier: Apache-2.0
/**
 * OpenSSH signatures (PROTOCOL.sshsig) by keys of the kinds that are enrolled, with those of security keys (PROTOCOL.u2f). What
 * `ssh-keygen -Y sign` writes is read; everything else is refused, also where ssh-keygen would take it.
 */
import { hash, verify } from 'node:crypto';
import { quote } from '../lib/failure.ts';
import { readSshKey, type SshKeyType, type SshPublicKey, sshFingerprint } from '../lib/ssh-key.ts';
import { SshReader, sshStrings } from '../lib/ssh-wire.ts';
import { unarmor } from './armor.ts';
import { rawEcdsa } from './ecdsa-blob.ts';
import { invalidSignature } from './signature-refusal.ts';

/** What a security key says of itself. */
export interface SkFlags {
  /** Somebody touched it (CTAP, UP). */
  readonly present: boolean;
  /** And it knew who: a PIN, a finger (CTAP, UV). */
  readonly verified: boolean;
  /** Of signatures, as it counts them; 0 where it does not. */
  readonly counter: number;
}

/** A signature that is good for a message; by whom, its key tells. */
export interface GoodSignature {
  /** The key as OpenSSH writes it, base64: equal to that of whoever enrolled it. */
  readonly keyBlob: string;
  readonly keyType: SshKeyType;
  readonly fingerprint: string;
  /** Undefined for a key in software. The signature covers it, but a key in software that poses as one says what it likes (attack C3). */
  readonly sk: SkFlags | undefined;
}

interface Parsed {
  readonly keyBytes: Buffer;
  readonly key: SshPublicKey;
  readonly namespace: string;
  readonly hashName: 'sha256' | 'sha512';
  readonly signature: Buffer;
}

const MAGIC = Buffer.from('SSHSIG');
const VERSION = 1;
const ED25519_BYTES = 64;
/** CTAP 2.1 section 6.1, flags of the authenticator data. */
const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;

/**
 * Throws ('invalid-argument', 'SSHSIG_INVALID') unless `armored` is a signature of `message` under this namespace, and
 * ('invalid-argument', 'HUMAN_KEY_INVALID') where its key is none that could be enrolled.
 */
export function verifySshsig(armored: string, message: Buffer, namespace: string): GoodSignature {
  const parsed = parse(unarmor(armored));
  // guard: C4 test/approvals/sshsig.test.ts — what was signed for git or a login approves nothing
  if (parsed.namespace !== namespace)
    throw invalidSignature(`its namespace is ${quote(parsed.namespace)}, not ${quote(namespace)}`);
  const { key, hashName } = parsed;
  const signed = Buffer.concat([MAGIC, sshStrings(namespace, '', hashName, hash(hashName, message, 'buffer'))]);
  const sk = check(key, parsed.signature, signed);
  const keyBlob = parsed.keyBytes.toString('base64');
  return { keyBlob, keyType: key.type, fingerprint: sshFingerprint(parsed.keyBytes), sk };
}

function parse(bytes: Buffer): Parsed {
  const reader = new SshReader(bytes);
  const magic = reader.take(MAGIC.length);
  const version = reader.uint32();
  // guard: C3 test/approvals/sshsig.test.ts
  if (magic === undefined || !magic.equals(MAGIC) || version !== VERSION)
    throw invalidSignature(`it does not begin with SSHSIG and version ${VERSION}`);
  const [keyBytes, namespace, reserved, hashName, signature] = Array.from({ length: 5 }, () => reader.string());
  // guard: C3 test/approvals/sshsig.test.ts
  if (!reader.atEnd || keyBytes === undefined || namespace === undefined || signature === undefined)
    throw invalidSignature('it is cut, or something follows it');
  // guard: C3 test/approvals/sshsig.test.ts — reserved has no meaning yet: what means something later is not guessed
  if (reserved?.length !== 0) throw invalidSignature('its reserved field is not empty');
  const name = hashName?.toString('latin1');
  // guard: C3 test/approvals/sshsig.test.ts
  if (name !== 'sha256' && name !== 'sha512') throw invalidSignature(`its hash ${quote(name)} is not sha256 or sha512`);
  return { keyBytes, key: readSshKey(keyBytes), namespace: namespace.toString('latin1'), hashName: name, signature };
}

/** `blob` is what the key made of `signed`; flags and counter of a security key are what it signed with them. */
function check(key: SshPublicKey, blob: Buffer, signed: Buffer): SkFlags | undefined {
  const reader = new SshReader(blob);
  const type = reader.string()?.toString('latin1');
  const bytes = reader.string();
  const tail = key.application === undefined ? undefined : reader.take(5);
  // guard: C3 test/approvals/sshsig.test.ts — neither another kind than the key's, nor anything behind it
  if (!reader.atEnd || type !== key.type || bytes === undefined)
    throw invalidSignature(`it is not made of what a signature of ${key.type} is`);
  const covered = tail === undefined ? signed : skSigned(key.application ?? '', tail, signed);
  // guard: C3 test/approvals/sshsig.test.ts
  if (!isGood(key, covered, bytes)) throw invalidSignature('it is not good for what was to be signed');
  if (tail === undefined) return undefined;
  const flags = tail.readUInt8(0);
  return {
    present: (flags & USER_PRESENT) !== 0,
    verified: (flags & USER_VERIFIED) !== 0,
    counter: tail.readUInt32BE(1),
  };
}

/** PROTOCOL.u2f, "SSH U2F Signatures". */
function skSigned(application: string, flagsAndCounter: Buffer, signed: Buffer): Buffer {
  const [app, message] = [Buffer.from(application), signed].map((part) => hash('sha256', part, 'buffer'));
  return Buffer.concat([app as Buffer, flagsAndCounter, message as Buffer]);
}

function isGood(key: SshPublicKey, covered: Buffer, bytes: Buffer): boolean {
  if (key.publicKey.asymmetricKeyType === 'ed25519')
    return bytes.length === ED25519_BYTES && verify(null, covered, key.publicKey, bytes);
  return verify('sha256', covered, { key: key.publicKey, dsaEncoding: 'ieee-p1363' }, rawEcdsa(bytes));
}
