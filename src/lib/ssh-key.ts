// SPDX-License-Identifier: Apache-2.0
/**
 * One line of an OpenSSH public key file (sshd(8), AUTHORIZED_KEYS FILE FORMAT): kind, base64, comment, and no options. Kinds that
 * approvals can be checked with; RSA and DSA are refused.
 */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { Failure, quote } from './failure.ts';
import { SshReader } from './ssh-wire.ts';

export type SshKeyType =
  | 'ssh-ed25519'
  | 'ecdsa-sha2-nistp256'
  | 'sk-ssh-ed25519@openssh.com'
  | 'sk-ecdsa-sha2-nistp256@openssh.com';

export interface SshKey {
  readonly type: SshKeyType;
  readonly blob: string;
  /** As `ssh-keygen -l` prints it. */
  readonly fingerprint: string;
}

/** What a key's bytes say. */
export interface SshPublicKey {
  readonly type: SshKeyType;
  readonly publicKey: KeyObject;
  /** Of a security key: what it was made for (PROTOCOL.u2f), `ssh:` and more. */
  readonly application: string | undefined;
}

interface Kind {
  readonly curve: 'Ed25519' | 'P-256';
  /** Held by a security key. */
  readonly isSk: boolean;
}

const KINDS: ReadonlyMap<string, Kind> = new Map([
  ['ssh-ed25519', { curve: 'Ed25519', isSk: false }],
  ['ecdsa-sha2-nistp256', { curve: 'P-256', isSk: false }],
  ['sk-ssh-ed25519@openssh.com', { curve: 'Ed25519', isSk: true }],
  ['sk-ecdsa-sha2-nistp256@openssh.com', { curve: 'P-256', isSk: true }],
]);

const LONGEST_LINE = 4_096;
const ED25519_BYTES = 32;
/** 0x04, X, Y: uncompressed (SEC 1 section 2.3.3). */
const POINT_BYTES = 65;
/** ssh-keygen(1), `-O application`: what it makes begins so. */
const APPLICATION = /^ssh:[\x21-\x7e]{0,251}$/;

/**
 * Points of Ed25519 whose order divides 8, in every way to write them but for the sign (the list is libsodium's): a signature by such
 * a key is good without anybody having signed.
 */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

export function parseSshKey(line: string): SshKey {
  // guard: I9 test/lib/ssh-key.test.ts
  if (line.length > LONGEST_LINE) throw refused(`it is longer than ${LONGEST_LINE} characters`);
  const [type = '', blob = ''] = line.trim().split(/[ \t]+/);
  if (!KINDS.has(type)) throw refused(`${quote(type)} is none of ${[...KINDS.keys()].join(', ')}`);
  if (/[\r\n]/.test(line.trim())) throw refused('it has more than one line');
  const bytes = Buffer.from(blob, 'base64');
  if (bytes.length === 0 || bytes.toString('base64') !== blob) throw refused('what follows its kind is not base64');
  const key = readSshKey(bytes);
  // guard: C3 test/lib/ssh-key.test.ts
  if (key.type !== type) throw refused(`its bytes are not those of a key of the kind ${type}`);
  return { type: key.type, blob, fingerprint: sshFingerprint(bytes) };
}

/** The key as OpenSSH writes it on the wire (PROTOCOL, PROTOCOL.u2f), exactly. Throws as `parseSshKey` does. */
export function readSshKey(bytes: Buffer): SshPublicKey {
  const reader = new SshReader(bytes);
  const type = reader.string()?.toString('latin1') ?? '';
  const kind = KINDS.get(type);
  // guard: C3 test/lib/ssh-key.test.ts
  if (kind === undefined) throw refused(`its bytes are those of ${quote(type)}, which is no kind that is taken`);
  const publicKey = kind.curve === 'P-256' ? readPoint(reader) : readEd25519(reader.string());
  const application = kind.isSk ? reader.string()?.toString('latin1') : undefined;
  // guard: C3 test/lib/ssh-key.test.ts
  if (!reader.atEnd || publicKey === undefined) throw refused(`its bytes are not those of a key of the kind ${type}`);
  // guard: C3 test/lib/ssh-key.test.ts
  if (kind.isSk && !APPLICATION.test(application ?? '')) throw refused(`${quote(application)} is no name for ssh`);
  return { type: type as SshKeyType, publicKey, application };
}

export function sshFingerprint(bytes: Buffer): string {
  return `SHA256:${createHash('sha256').update(bytes).digest('base64').replace(/=+$/, '')}`;
}

function readEd25519(point: Buffer | undefined): KeyObject | undefined {
  if (point?.length !== ED25519_BYTES) return undefined;
  const unsigned = Buffer.from(point);
  unsigned.writeUInt8(unsigned.readUInt8(ED25519_BYTES - 1) & 0x7f, ED25519_BYTES - 1);
  // guard: C3 test/lib/ssh-key.test.ts
  if (SMALL_ORDER.has(unsigned.toString('hex')))
    throw refused('whoever likes can sign with it: its point is of small order');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: point.toString('base64url') }, format: 'jwk' });
}

function readPoint(reader: SshReader): KeyObject | undefined {
  const curve = reader.string();
  const point = reader.string();
  if (curve?.toString('latin1') !== 'nistp256' || point?.length !== POINT_BYTES) return undefined;
  const x = point.subarray(1, 33).toString('base64url');
  const y = point.subarray(33).toString('base64url');
  try {
    if (point[0] !== 4) throw new TypeError('the point is compressed');
    return createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
  } catch (cause) {
    throw refused('its point is not on the curve', cause);
  }
}

function refused(why: string, cause?: unknown): Failure {
  return new Failure('invalid-argument', 'HUMAN_KEY_INVALID', `the key is refused: ${why}`, {
    field: 'key',
    hint: 'give a line of a .pub file, as ssh-keygen -t ed25519 or -t ed25519-sk makes it, without options',
    cause,
  });
}
