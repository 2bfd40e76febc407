// SPDX-License-Identifier: Apache-2.0
/** An ECDSA signature as SSH writes it (RFC 5656 section 3.1.2): two `mpint`s (RFC 4251 section 5). */
import { SshReader } from '../lib/ssh-wire.ts';
import { invalidSignature } from './signature-refusal.ts';

/** Of P-256. */
const HALF = 32;
const SIGN_BIT = 0x80;

/** R and S side by side, each at full length (IEEE P1363). Throws ('invalid-argument', 'SSHSIG_INVALID'). */
export function rawEcdsa(blob: Buffer): Buffer {
  const reader = new SshReader(blob);
  const halves = [reader.string(), reader.string()].map((number) => positive(number));
  // guard: C3 test/approvals/sshsig.test.ts
  if (!reader.atEnd) throw invalidSignature('something follows its two numbers');
  return Buffer.concat(halves);
}

/** One number has one way to be written: no zero in front that is not for the sign. */
function positive(mpint: Buffer | undefined): Buffer {
  const digits = mpint?.[0] === 0 ? mpint.subarray(1) : mpint;
  // guard: C3 test/approvals/sshsig.test.ts
  if (mpint === undefined || digits === undefined || digits.length === 0 || digits.length > HALF)
    throw invalidSignature('it is not of two numbers of P-256');
  const needsSign = (digits.readUInt8(0) & SIGN_BIT) !== 0;
  // guard: C3 test/approvals/sshsig.test.ts
  if (needsSign !== digits.length < mpint.length) throw invalidSignature('a number in it is negative or padded');
  return Buffer.concat([Buffer.alloc(HALF - digits.length), digits]);
}
