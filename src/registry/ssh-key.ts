// SPDX-License-Identifier: Apache-2.0
/**
 * One line of an OpenSSH public key file (sshd(8), AUTHORIZED_KEYS FILE FORMAT): kind, base64, comment, and no options. Kinds that
 * approvals can be checked with; RSA and DSA are refused.
 */
import { createHash, createPublicKey } from 'node:crypto';
import { Failure, quote } from '../lib/failure.ts';

export interface SshKey {
  readonly type: string;
  readonly blob: string;
  /** As `ssh-keygen -l` prints it. */
  readonly fingerprint: string;
}

/** By kind: what the key consists of after its name, in bytes; undefined for any length (PROTOCOL, PROTOCOL.u2f). */
const FIELDS: ReadonlyMap<string, readonly (number | string | undefined)[]> = new Map([
  ['ssh-ed25519', [32]],
  ['ecdsa-sha2-nistp256', ['nistp256', 65]],
  ['sk-ssh-ed25519@openssh.com', [32, undefined]],
  ['sk-ecdsa-sha2-nistp256@openssh.com', ['nistp256', 65, undefined]],
]);

const LONGEST_LINE = 4_096;

export function parseSshKey(line: string): SshKey {
  // guard: I9 test/registry/ssh-key.test.ts
  if (line.length > LONGEST_LINE) throw refused(`it is longer than ${LONGEST_LINE} characters`);
  const [type = '', blob = ''] = line.trim().split(/[ \t]+/);
  const fields = FIELDS.get(type);
  // guard: C3 test/registry/ssh-key.test.ts
  if (fields === undefined) throw refused(`${quote(type)} is none of ${[...FIELDS.keys()].join(', ')}`);
  if (/[\r\n]/.test(line.trim())) throw refused('it has more than one line');
  const bytes = Buffer.from(blob, 'base64');
  if (bytes.length === 0 || bytes.toString('base64') !== blob) throw refused('what follows its kind is not base64');
  // guard: C3 test/registry/ssh-key.test.ts
  if (!isMadeOf(bytes, [type, ...fields])) throw refused(`its bytes are not those of a key of the kind ${type}`);
  // guard: C3 test/registry/ssh-key.test.ts
  if (type.includes('nistp256') && !isOnCurve(pointOf(bytes, type))) throw refused('its point is not on the curve');
  const fingerprint = `SHA256:${createHash('sha256').update(bytes).digest('base64').replace(/=+$/, '')}`;
  return { type, blob, fingerprint };
}

/** Strings, each after its length (RFC 4251 section 5), and nothing behind them. */
function isMadeOf(bytes: Buffer, fields: readonly (number | string | undefined)[]): boolean {
  let at = 0;
  for (const field of fields) {
    if (at + 4 > bytes.length) return false;
    const length = bytes.readUInt32BE(at);
    const value = bytes.subarray(at + 4, at + 4 + length);
    if (value.length !== length) return false;
    if (typeof field === 'number' ? length !== field : field !== undefined && value.toString('latin1') !== field)
      return false;
    at += 4 + length;
  }
  return at === bytes.length;
}

/** What follows the kind and the name of the curve. */
function pointOf(bytes: Buffer, type: string): Buffer {
  const at = 4 + type.length + 4 + 'nistp256'.length + 4;
  return bytes.subarray(at, at + 65);
}

/** Uncompressed (SEC 1 section 2.3.3). */
function isOnCurve(point: Buffer): boolean {
  if (point[0] !== 4) return false;
  const x = point.subarray(1, 33).toString('base64url');
  const y = point.subarray(33).toString('base64url');
  try {
    createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
    return true;
  } catch {
    return false;
  }
}

function refused(why: string): Failure {
  return new Failure('invalid-argument', 'HUMAN_KEY_INVALID', `the key is refused: ${why}`, {
    field: 'key',
    hint: 'give a line of a .pub file, as ssh-keygen -t ed25519 or -t ed25519-sk makes it, without options',
  });
}
