// SPDX-License-Identifier: Apache-2.0
/** The text around an OpenSSH signature (PROTOCOL.sshsig, "Armored format"). */
import { invalidSignature } from './signature-refusal.ts';

const BEGIN = '-----BEGIN SSH SIGNATURE-----';
const END = '-----END SSH SIGNATURE-----';
/** Of a security key with P-256, SHA-512 and the longest names there are, it is below 1 300. */
const LONGEST = 4_096;
/** PROTOCOL.sshsig: at most. */
const LONGEST_LINE = 76;
/** As ssh-keygen breaks them. */
const LINE = 70;

/** The bytes within; one text has one value: no spare bits, no other white space than line ends. Throws ('invalid-argument', 'SSHSIG_INVALID'). */
export function unarmor(text: string): Buffer {
  // guard: I9 test/approvals/armor.test.ts
  if (text.length > LONGEST) throw invalidSignature(`it is longer than ${LONGEST} characters`);
  const lines = text.replace(/\n$/, '').split('\n');
  // guard: C3 test/approvals/armor.test.ts
  if (lines[0] !== BEGIN || lines.at(-1) !== END) throw invalidSignature(`it does not go from ${BEGIN} to ${END}`);
  const body = lines.slice(1, -1);
  // guard: C3 test/approvals/armor.test.ts
  if (body.some((line) => line === '' || line.length > LONGEST_LINE))
    throw invalidSignature(`it has a line that is empty or longer than ${LONGEST_LINE} characters`);
  const bytes = Buffer.from(body.join(''), 'base64');
  // guard: C3 test/approvals/armor.test.ts
  if (bytes.toString('base64') !== body.join('')) throw invalidSignature('what is between its lines is not base64');
  return bytes;
}

/** As ssh-keygen writes it. */
export function armor(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
  return `${[BEGIN, ...lines, END].join('\n')}\n`;
}
