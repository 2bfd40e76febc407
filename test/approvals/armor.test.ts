// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { armor, unarmor } from '../../src/approvals/armor.ts';
import { refusalOf } from '../support/refusal.ts';

const text = armor(Buffer.alloc(100, 'SSHSIG'));
const [begin = '', ...rest] = text.split('\n');

describe('the armor of a signature', () => {
  it('gives back what was put in, with lines as ssh-keygen breaks them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 2_000 }), (bytes) => {
        const armored = armor(Buffer.from(bytes));
        expect(unarmor(armored)).toEqual(Buffer.from(bytes));
        expect(Math.max(...armored.split('\n').map((line) => line.length))).toBeLessThanOrEqual(70);
      }),
    );
  });

  it('may lack its last line end, and have lines of 76 characters (PROTOCOL.sshsig)', () => {
    const base64 = Buffer.alloc(100, 1).toString('base64');
    const wide = `${begin}\n${base64.slice(0, 76)}\n${base64.slice(76)}\n${rest.at(-2)}`;
    expect(unarmor(wide)).toEqual(Buffer.alloc(100, 1));
  });

  it.each([
    ['something before it', `x\n${text}`],
    ['something behind it', `${text}x`],
    ['two line ends behind it', `${text}\n`],
    ['another beginning', text.replace('BEGIN SSH', 'BEGIN PGP')],
    ['another end', text.replace('END SSH', 'END PGP')],
    ['an empty line', text.replace('\n', '\n\n')],
    ['a line too long', `${begin}\n${'A'.repeat(80)}\n${rest.at(-2)}\n`],
    ['spare bits', `${begin}\nAB==\n${rest.at(-2)}\n`],
    ['letters that are not base64', `${begin}\nA*AA\n${rest.at(-2)}\n`],
  ])('C3: is refused with %s', (_, bad) => {
    expect(refusalOf(() => unarmor(bad)).reason).toBe('SSHSIG_INVALID');
  });

  it('I9: is refused where it is longer than any', () => {
    expect(refusalOf(() => unarmor(armor(Buffer.alloc(4_000)))).message).toContain('longer than 4096');
  });
});
