// SPDX-License-Identifier: Apache-2.0
/** Security keys in an evidence: what their signatures show, by what the log says of them (attack C3). */
import { describe, expect, it } from '@jest/globals';
import { armor } from '../../src/approvals/armor.ts';
import { type KeyStatement, keyStatementText } from '../../src/approvals/enrolment.ts';
import { verifyEvidence } from '../../src/evidence/verify.ts';
import { sshFingerprint } from '../../src/lib/ssh-key.ts';
import { BEGUN, logged, ORIGIN, type Said, type Story, story, vote } from '../support/evidence-story.ts';
import { newSshKey, rawSshsig } from '../support/sshsig.ts';

const SK = 'sk-ssh-ed25519@openssh.com';
const MINUTE = 60_000;
const [alices, carols, mallorys] = [newSshKey(SK), newSshKey(SK), newSshKey(SK)];
const VOUCHED_AT = BEGUN - 30 * MINUTE;

const STATEMENT: KeyStatement = {
  ...{ human: 'alice', fingerprint: sshFingerprint(alices.bytes), keyType: SK, highest: 2, because: 'I saw it' },
  ...{ by: 'carol', trustDomain: 'example.org', log: ORIGIN, nonce: 'AAAAAAAAAAAAAAAAAAAAAA' },
  notAfter: BEGUN,
};

interface Parts {
  statement?: Partial<KeyStatement>;
  signer?: typeof carols;
  namespace?: string;
  flags?: number;
  voucherFlags?: number;
  strength?: number;
  /** Of alice's key, and of carol's. */
  key?: Said;
  carol?: Said;
  withoutCarol?: boolean;
}

/** alice votes with a security key for which carol vouched, and root for carol's. */
function told(parts: Parts = {}): Story {
  const one = story();
  const { statement = {}, signer = carols, namespace = 'enrolment@example.org', flags = 1, strength = 2 } = parts;
  const text = keyStatementText({ ...STATEMENT, ...statement });
  const alice = one.of('human.key_add').said;
  const added = { added_at: VOUCHED_AT - MINUTE, added_by: 'uid:0', vouched_at: VOUCHED_AT, type: SK };
  const carolsKey = {
    ...{ ...added, fingerprint: sshFingerprint(carols.bytes), blob: carols.blob, highest: 3 },
    ...{ vouch_statement: null, vouch_signature: null, ...parts.carol },
  };
  const carol = { ...alice, name: 'carol', uids: '70009', keys: [carolsKey] };
  Object.assign(alice, {
    keys: [
      {
        ...{ ...added, fingerprint: sshFingerprint(alices.bytes), blob: alices.blob, highest: 2 },
        vouch_statement: text,
        vouch_signature: armor(rawSshsig(signer, text, { namespace, flags: parts.voucherFlags ?? 5 })),
        ...parts.key,
      },
    ],
  });
  const cast = vote('alice', alices, one.request, BEGUN + MINUTE, {}, { flags });
  Object.assign(cast.said, { strength, proof: 'stated' });
  Object.assign(one.of('vote.approve'), cast);
  if (parts.withoutCarol !== true)
    (one.told as unknown[]).splice(1, 0, { ...one.of('human.key_add'), at: VOUCHED_AT - 1, said: carol });
  return one;
}

const faults = (parts: Parts = {}): string =>
  verifyEvidence(logged(told(parts)), { logKey: undefined, humanKeys: new Map() }).faults.join('\n');

describe('a vote by a security key', () => {
  it('C3: counts for a touch where the log has who vouched for it', () => expect(faults()).toBe(''));

  it('C3: counts for a touch where root vouched for it', () =>
    expect(faults({ key: { vouch_statement: null, vouch_signature: null }, withoutCarol: true })).toBe(''));

  it.each<[string, Parts, string]>([
    ['more than was vouched for', { flags: 5, strength: 3 }, 'its strength 3 is more than the signature shows'],
    ['a touch that is not in the signature', { flags: 0 }, 'its strength 2 is more than the signature shows'],
    ['a touch though nobody vouched', { key: { highest: null } }, 'its strength 2 is more than the signature shows'],
    [
      'what was said of another key',
      { statement: { fingerprint: `SHA256:${'A'.repeat(43)}` } },
      'what was vouched is not about its key',
    ],
    ['more than was said', { key: { highest: 3 }, flags: 5, strength: 3 }, 'what was vouched is not about its key'],
    ['somebody whom the file does not know', { withoutCarol: true }, 'carol could not vouch for its key'],
    ['a key that is not theirs', { signer: mallorys }, 'carol could not vouch for its key'],
    ['a key that nobody vouched for', { carol: { highest: null } }, 'carol could not vouch for its key'],
    [
      'a key that counts for less',
      { carol: { highest: 2 }, statement: { highest: 3 }, key: { highest: 3 } },
      'carol could not vouch',
    ],
    ['what was signed without a touch', { voucherFlags: 0 }, 'carol could not vouch for its key'],
    ['what was signed as an approval', { namespace: 'approval@example.org' }, 'what was vouched of its key: '],
  ])('C3: does not count for %s', (_, parts, fault) => expect(faults(parts)).toContain(fault));
});
