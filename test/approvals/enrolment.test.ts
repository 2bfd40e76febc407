// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { armor } from '../../src/approvals/armor.ts';
import {
  bootstrapEnrolment,
  enrolmentNamespace,
  type KeyStatement,
  keyStatementText,
  openKeyStatement,
  parseKeyStatement,
  readKeyScreen,
  renderKeyScreen,
} from '../../src/approvals/enrolment.ts';
import type { Enrolment } from '../../src/approvals/key-strength.ts';
import { Failure } from '../../src/lib/failure.ts';
import { unfitIn } from '../../src/lib/visible-text.ts';
import { NOW } from '../support/approval.ts';
import { refusalOf } from '../support/refusal.ts';
import { newSshKey, rawSshsig, type SshsigChange } from '../support/sshsig.ts';

const asked: KeyStatement = {
  human: 'bob',
  fingerprint: `SHA256:${'A'.repeat(43)}`,
  keyType: 'sk-ssh-ed25519@openssh.com',
  highest: 2,
  because: 'blue token, made in my presence',
  by: 'alice',
  trustDomain: 'example.org',
  log: 'example.org/log/1',
  nonce: 'AAAAAAAAAAAAAAAAAAAAAA',
  notAfter: NOW + 1,
};
const namespace = 'enrolment@example.org';
const token = newSshKey('sk-ssh-ed25519@openssh.com');
const attested: Enrolment = { highest: 3, proof: 'attested' };

interface Case {
  readonly statement?: Partial<KeyStatement>;
  readonly signature?: SshsigChange;
  readonly enrolled?: Enrolment;
  readonly now?: number;
}

function opened({ statement = {}, signature = {}, enrolled = attested, now = NOW }: Case, expected = asked): Enrolment {
  const text = keyStatementText({ ...asked, ...statement });
  const submitted = { statement: text, signature: armor(rawSshsig(token, text, { namespace, ...signature })) };
  const keysOf = (human: string) => (human === 'alice' ? [{ blob: token.blob, ...enrolled }] : []);
  return openKeyStatement(submitted, expected, keysOf, now);
}

describe('a key', () => {
  it('C3: counts for as much as whoever vouches for it signed with', () => {
    expect(opened({ signature: { flags: 1 } })).toEqual({ highest: 2, proof: 'stated' });
    const more = { ...asked, highest: 3 } as const;
    expect(opened({ statement: more, signature: { flags: 5 } }, more)).toEqual({ highest: 3, proof: 'stated' });
  });

  it.each<[string, Case, KeyStatement]>([
    ['a signature without a touch', { signature: { flags: 0 } }, asked],
    ['a touch for what knows who', { statement: { highest: 3 }, signature: { flags: 1 } }, { ...asked, highest: 3 }],
    ['a key that counts for less', { signature: { flags: 5 }, enrolled: { highest: 1, proof: 'attested' } }, asked],
    ['a software key that claims a touch', { signature: { flags: 5 }, enrolled: { highest: 3, proof: 'none' } }, asked],
  ])('C3: is not vouched for by %s', (_, one, expected) => {
    expect(refusalOf(() => opened(one, expected)).reason).toBe('ENROLMENT_TOO_WEAK');
  });

  it.each<[string, Case, string]>([
    [
      'another key than was asked for',
      { statement: { fingerprint: `SHA256:${'B'.repeat(43)}` } },
      'APPROVAL_OTHER_REQUEST',
    ],
    ['another human', { statement: { human: 'mallory' } }, 'APPROVAL_OTHER_REQUEST'],
    ['more than was asked for', { statement: { highest: 3 }, signature: { flags: 5 } }, 'APPROVAL_OTHER_REQUEST'],
    ['another nonce', { statement: { nonce: 'B'.repeat(22) } }, 'APPROVAL_OTHER_REQUEST'],
    ['a statement of before', { now: NOW + 1 }, 'APPROVAL_OVER'],
    ['what was signed as an approval', { signature: { namespace: 'approval@example.org' } }, 'SSHSIG_INVALID'],
  ])('C4: is not vouched for by %s', (_, one, reason) => {
    expect(refusalOf(() => opened(one)).reason).toBe(reason);
  });

  it('C2: is not vouched for under another’s name', () => {
    const other = { ...asked, by: 'bob' };
    expect(refusalOf(() => opened({ statement: other }, other)).reason).toBe('APPROVAL_KEY_UNKNOWN');
  });

  it('C3: has root’s word where it is the first, and never again', () => {
    const plain: Enrolment = { highest: 1, proof: 'none' };
    expect(bootstrapEnrolment(3, 0, [])).toEqual({ highest: 3, proof: 'stated' });
    expect(bootstrapEnrolment(2, 0, [plain, plain])).toEqual({ highest: 2, proof: 'stated' });
    for (const [uid, known] of [
      [1_000, []],
      [0, [plain, { highest: 2, proof: 'stated' }]],
      [0, [attested]],
    ] as [number, Enrolment[]][])
      expect(refusalOf(() => bootstrapEnrolment(2, uid, known)).reason).toBe('ENROLMENT_TOO_WEAK');
  });
});

describe('what is said of a key', () => {
  const text = keyStatementText(asked);

  it('C4: is read back, from its text and from the screen', () => {
    const seen = (words: string): boolean => words.length <= 200 && unfitIn(words) === undefined;
    const because = fc.string({ minLength: 1, maxLength: 100, unit: 'grapheme' }).filter(seen);
    fc.assert(
      fc.property(because, fc.constantFrom(2 as const, 3 as const), fc.nat(2 ** 40), (words, highest, notAfter) => {
        const one = { ...asked, because: words, highest, notAfter };
        expect(parseKeyStatement(keyStatementText(one))).toEqual(one);
        expect(readKeyScreen(renderKeyScreen(one))).toEqual(one);
      }),
    );
    expect(enrolmentNamespace('example.org')).toBe(namespace);
  });

  it.each([
    ['another version', text.replace('"v":1', '"v":2')],
    ['a member more', text.replace('{', '{"a":1,')],
    ['a member less', text.replace('"by":"alice",', '')],
    ['white space', text.replace('","', '", "')],
    ['a software key', text.replace('sk-ssh-ed25519@openssh.com', 'ssh-ed25519')],
    ['a strength of one', text.replace('"highest":2', '"highest":1')],
    ['no fingerprint', text.replace('SHA256:', 'MD5:')],
    ['words that repaint', text.replace('blue', '\\u001b[2J')],
  ])('C4: is refused with %s', (_, bad) => {
    expect(bad).not.toBe(text);
    expect(() => parseKeyStatement(bad)).toThrow(Failure);
  });

  it('C4: is refused where the screen says more', () => {
    const screen = renderKeyScreen(asked);
    for (const bad of [`${screen}all is well\n`, screen.replace('counts for', 'all\ncounts for'), screen.slice(0, -1)])
      expect(() => readKeyScreen(bad)).toThrow(Failure);
  });

  it('I9: is refused where it is longer than any', () => {
    expect(refusalOf(() => parseKeyStatement(`[${' '.repeat(5_000)}]`)).message).toContain('longer than 4096');
  });
});
