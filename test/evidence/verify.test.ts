// SPDX-License-Identifier: Apache-2.0
/** What an evidence is held against: the log's key, the tree, what was hashed. */
import { describe, expect, it } from '@jest/globals';
import type { Evidence, EvidenceEvent } from '../../src/evidence/format.ts';
import { type VerifyOptions, verifyEvidence } from '../../src/evidence/verify.ts';
import { verifierKey } from '../../src/merkle/note.ts';
import { AGENT, CHILD, logged, logSigner, story, TASK } from '../support/evidence-story.ts';

const NOBODY: VerifyOptions = { logKey: undefined, humanKeys: new Map() };
const signer = logSigner();
const sample = logged(story(), signer);

const faultsOf = (change: Partial<Evidence>, options: Partial<VerifyOptions> = {}): string =>
  verifyEvidence({ ...sample, ...change }, { ...NOBODY, ...options }).faults.join('\n');

const withFirst = (change: Partial<EvidenceEvent>): Partial<Evidence> => {
  const [first, ...rest] = sample.events;
  return { events: [{ ...(first as EvidenceEvent), ...change }, ...rest] };
};

describe('an evidence', () => {
  it('says what was asked, approved, given and taken back', () => {
    const verified = verifyEvidence(sample, { ...NOBODY, logKey: verifierKey(signer) });
    expect(verified).toMatchObject({
      faults: [],
      remarks: [],
      task: {
        id: TASK,
        identity: AGENT,
        intents: ['payments:refund'],
        steps: [{ state: 'pending' }, { state: 'active' }, { state: 'ended' }],
      },
      approval: {
        state: 'approved',
        votes: [
          { human: 'alice', decision: 'approve', strength: 1, keyType: 'ssh-ed25519', enrolled: { by: 'uid:0' } },
          { human: 'bob', keyType: 'ecdsa-sha2-nistp256' },
        ],
        counted: [
          { human: 'alice', uid: 'other' },
          { human: 'bob', uid: 'other' },
        ],
      },
      issued: [
        {
          kind: 'x509',
          row: { audiences: [] },
          revoked: { reason: 'its task ended: completed' },
          undelivered: undefined,
        },
        { kind: 'jwt', row: { audiences: ['payments'] }, undelivered: 'gone' },
      ],
      children: [{ id: CHILD, identity: AGENT }],
    });
  });

  it('B5: of another log is none of this one', () => {
    const other = verifierKey(logSigner());
    expect(faultsOf({}, { logKey: other })).toContain(
      'the log key: the file names another than the one that was given',
    );
    expect(faultsOf({ verifierKey: other }, { logKey: verifierKey(signer) })).toContain('the log key');
    expect(faultsOf({ verifierKey: other })).toContain('no signature of');
    expect(faultsOf({ verifierKey: 'x' })).toContain('the log key "x" is refused');
  });

  it('C4: with something beside the signature of the log is refused', () => {
    const signature = sample.checkpoint.trimEnd().split('\n').at(-1) as string;
    const cosigned = `${sample.checkpoint}${signature.replace('example.org', 'witness.example.org')}\n`;
    expect(faultsOf({ checkpoint: cosigned })).toContain('it has more in it than what the log signs');
  });

  it('C4: what an event says is what was logged', () => {
    const { said } = sample.events[0] as EvidenceEvent;
    const changed = { salt: said?.salt as Buffer, payload: String(said?.payload).replace('alice', 'malle') };
    expect(faultsOf(withFirst({ said: changed }))).toContain('what it says is not what was logged');
  });

  it('I3: an event is in the tree that the checkpoint is over', () => {
    expect(faultsOf(withFirst({ actor: 'uid:1' }))).toContain('it is not in the log that the checkpoint is over');
    expect(faultsOf(withFirst({ proof: [] }))).toContain('it is not in the log');
    const elsewhere = logged(story(), signer);
    expect(faultsOf({ events: elsewhere.events })).toContain('it is not in the log');
    expect(faultsOf({ checkpoint: elsewhere.checkpoint })).toContain('it is not in the log');
  });

  it('tells nothing of a task where the log does not hold', () => {
    expect(verifyEvidence({ ...sample, ...withFirst({ proof: [] }) }, NOBODY)).toMatchObject({
      task: undefined,
      issued: [],
    });
  });
});
