// SPDX-License-Identifier: Apache-2.0
/**
 * OpenSSH signatures made here, well or badly. Keys of the `sk-` kinds are in software: no hardware is asked, the bytes are those of
 * PROTOCOL.u2f. They are also what an attacker can make (attack C3).
 */
import { generateKeyPairSync, hash, type KeyObject, sign } from 'node:crypto';
import type { SshKeyType } from '../../src/lib/ssh-key.ts';
import { sshStrings } from '../../src/lib/ssh-wire.ts';

export interface TestSshKey {
  readonly type: SshKeyType;
  readonly bytes: Buffer;
  readonly blob: string;
  readonly privateKey: KeyObject;
}

export const KEY_TYPES: readonly SshKeyType[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
];

export function newSshKey(type: SshKeyType, application = 'ssh:'): TestSshKey {
  const isP256 = type.includes('nistp256');
  const pair = isP256 ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519');
  const spki = pair.publicKey.export({ type: 'spki', format: 'der' });
  const fields = isP256 ? ['nistp256', spki.subarray(-65)] : [spki.subarray(-32)];
  const bytes = sshStrings(type, ...fields, ...(type.startsWith('sk-') ? [application] : []));
  return { type, bytes, blob: bytes.toString('base64'), privateKey: pair.privateKey };
}

/** What can be otherwise than it should be. */
export interface SshsigChange {
  readonly magic?: string;
  readonly version?: number;
  readonly namespace?: string;
  readonly reserved?: string;
  readonly hashName?: string;
  /** In the signature, where the key that signs is another. */
  readonly keyBytes?: Buffer;
  readonly flags?: number;
  readonly counter?: number;
  readonly application?: string;
  /** What the inner signature says it is. */
  readonly innerType?: string;
  readonly inner?: (bytes: Buffer) => Buffer;
  readonly tail?: Buffer;
  /** After the inner signature's parts. */
  readonly innerTail?: Buffer;
}

export const NAMESPACE = 'approval@example.org';

export function rawSshsig(key: TestSshKey, message: string | Buffer, change: SshsigChange = {}): Buffer {
  const { namespace = NAMESPACE, reserved = '', hashName = 'sha512', magic = 'SSHSIG', version = 1 } = change;
  const digest = hash(hashName, Buffer.from(message as string), 'buffer');
  const signed = Buffer.concat([Buffer.from('SSHSIG'), sshStrings(namespace, reserved, hashName, digest)]);
  const inner = innerSignature(key, signed, change);
  return Buffer.concat([
    Buffer.from(magic),
    uint32(version),
    sshStrings(change.keyBytes ?? key.bytes, namespace, reserved, hashName, inner),
    change.tail ?? Buffer.alloc(0),
  ]);
}

function innerSignature(key: TestSshKey, signed: Buffer, change: SshsigChange): Buffer {
  const { flags = 1, counter = 7, application = 'ssh:', innerType = key.type, inner = same } = change;
  const isSk = key.type.startsWith('sk-');
  const tail = isSk ? Buffer.concat([Buffer.of(flags), uint32(counter)]) : Buffer.alloc(0);
  const covered = isSk ? Buffer.concat([sha256(Buffer.from(application)), tail, sha256(signed)]) : signed;
  const bytes = key.type.includes('nistp256')
    ? mpints(sign('sha256', covered, { key: key.privateKey, dsaEncoding: 'ieee-p1363' }))
    : sign(null, covered, key.privateKey);
  return Buffer.concat([sshStrings(innerType, inner(bytes)), tail, change.innerTail ?? Buffer.alloc(0)]);
}

/** R and S, each as short as can be and with a sign. */
function mpints(raw: Buffer): Buffer {
  return sshStrings(...[raw.subarray(0, 32), raw.subarray(32)].map(mpint));
}

export function mpint(digits: Buffer): Buffer {
  let first = 0;
  while (first < digits.length && digits[first] === 0) first += 1;
  const short = digits.subarray(first);
  return ((short[0] ?? 0) & 0x80) === 0 ? short : Buffer.concat([Buffer.of(0), short]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const same = (bytes: Buffer): Buffer => bytes;
const sha256 = (bytes: Buffer): Buffer => hash('sha256', bytes, 'buffer');
