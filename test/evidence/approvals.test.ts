// SPDX-License-Identifier: Apache-2.0
/** What people signed, held against who they are, what was asked and what the task was. */
import { describe, expect, it } from '@jest/globals';
import { type Verified, verifyEvidence } from '../../src/evidence/verify.ts';
import { asked, aTask, BEGUN, logged, requestFor, type Story, story, TASK, vote } from '../support/evidence-story.ts';
import { newSshKey, type TestSshKey } from '../support/sshsig.ts';

function verified(
  change: (told: Story) => void,
  of: Story = story(),
  humanKeys = new Map<string, string[]>(),
): Verified {
  change(of);
  return verifyEvidence(logged(of), { logKey: undefined, humanKeys });
}
const faults = (...args: Parameters<typeof verified>): string => verified(...args).faults.join('\n');
const keyOf = ({ keys }: Story, name: string): TestSshKey => keys.get(name) as TestSshKey;
/** Another vote in the place of the first. */
const recast = (told: Story, other: ReturnType<typeof vote>): void =>
  void Object.assign(told.of('vote.approve'), other);

describe('what people were asked', () => {
  it.each<[string, Parameters<typeof story>[0]]>([
    ['identity', { identity: 'spiffe://example.org/agent/other' }],
    [
      'intents',
      { targets: [{ ...(requestFor(aTask()).targets[0] as never as object), intents: ['payments:read'] } as never] },
    ],
    ['purpose', { purpose: 'refund ticket 4712' }],
    ['deadline', { deadline: BEGUN + 7_200_000 }],
    ['parent', { parent: TASK }],
    ['uid', { uid: 2_001 }],
    ['pid', { pid: 4_243 }],
    ['started', { started: 1 }],
    ['selectors', { selectors: ['unix:uid:2000'] }],
    ['executable', { executable: '/usr/bin/other' }],
    ['sha256', { sha256: 'ab'.repeat(32) }],
    ['secrets', { secrets: 'found' }],
    ['policy_hash', { policyHash: 'ab'.repeat(32) }],
    ['log', { log: 'example.org/log/2' }],
  ])('C4: is the task as it waited: %s', (field, change) => {
    expect(faults(() => undefined, story(change))).toMatch(
      new RegExp(`what people were asked is not the task: .*${field}`),
    );
  });

  it.each<[string, (told: Story) => void, string]>([
    [
      'C4: has its own digest',
      ({ everywhere, of }) => everywhere('digest', of('approval.open').said.digest, `sha256:${'0'.repeat(64)}`),
      'the digest is not that',
    ],
    [
      'C4: does not change',
      ({ of }) => void Object.assign(of('approval.voted').said, { quorum: 1 }),
      'something is not as people were asked: quorum',
    ],
    ['C4: needs as many as it says', ({ everywhere }) => everywhere('quorum', 2, 1), 'need_count'],
    [
      'C4: has the state that it is called by',
      ({ of }) => void Object.assign(of('approval.voted').said, { state: 'approved' }),
      'it does not say what it is called',
    ],
    [
      'I3: has all of its steps',
      ({ without }) => without('approval.voted', 'vote.'),
      'a step before it is not in the file',
    ],
    [
      'I3: has the vote that each step came of',
      ({ without }) => without('vote.'),
      'the vote that it came of is not in the file',
    ],
    [
      'I3: has what each vote came to',
      ({ told, keys, request }) => void told.push(vote('alice', keys.get('alice') as TestSshKey, request, BEGUN + 3)),
      'votes that came to nothing',
    ],
    [
      'C4: ends once',
      ({ told, request }) => void told.push(asked('expired', request, BEGUN + 900_000, 'expired', 4)),
      'something follows what was decided',
    ],
    [
      'C1: was asked, where the task waited',
      ({ without }) => without('approval.', 'vote.', 'human.'),
      'the task waited for people, and nobody was asked',
    ],
    [
      'C1: was approved before the task began',
      ({ told, of }) =>
        void told.splice(told.indexOf(of('approval.open')), 0, ...told.splice(told.indexOf(of('task.active')), 1)),
      'the task began, and people had not approved it',
    ],
    ['is what votes are on', ({ without }) => without('approval.'), 'somebody voted on what nobody was asked'],
  ])('%s', (_, change, fault) => expect(faults(change)).toContain(fault));
});

describe('a vote', () => {
  it.each<[string, (told: Story) => void, string]>([
    [
      'C4: is of the request',
      (told) =>
        recast(told, vote('alice', keyOf(told, 'alice'), { ...told.request, nonce: 'B'.repeat(22) }, BEGUN + 60_000)),
      'what was signed is not what was asked: nonce',
    ],
    [
      'C4: is what its row says',
      ({ of }) => void Object.assign(of('vote.approve').said, { request: 'other' }),
      'it is not what was signed',
    ],
    [
      'C4: came in time',
      ({ of, request: { notAfter: at } }) =>
        void Object.assign(of('vote.approve'), { at, said: { ...of('vote.approve').said, at } }),
      'it came when the time to answer was over',
    ],
    [
      'C2: is signed by the key that is named',
      ({ of }) => void Object.assign(of('vote.approve').said, { fingerprint: `SHA256:${'A'.repeat(43)}` }),
      'it was signed by another key',
    ],
    [
      'C2: is signed by a key of theirs',
      (told) => recast(told, vote('alice', newSshKey('ssh-ed25519'), told.request, BEGUN + 60_000)),
      'the key was not theirs then',
    ],
    [
      'C2: is not signed by a key of somebody else',
      (told) => recast(told, vote('alice', keyOf(told, 'bob'), told.request, BEGUN + 60_000)),
      'the key was not theirs then',
    ],
    [
      'C2: is of somebody who had not left',
      ({ of }) => void Object.assign(of('human.key_add').said, { active: 0 }),
      'the key was not theirs then',
    ],
    [
      'C4: is signed for approvals',
      (told) =>
        recast(told, vote('alice', keyOf(told, 'alice'), told.request, BEGUN + 60_000, {}, { namespace: 'git' })),
      'its namespace is "git"',
    ],
    [
      'C3: is of software, whatever its strength says',
      ({ of }) => void Object.assign(of('vote.approve').said, { strength: 2, proof: 'stated' }),
      'its strength 2 is more than the signature shows',
    ],
    [
      'of somebody whom the file does not know is none',
      ({ without }) => without('human.'),
      'the key was not theirs then',
    ],
  ])('%s', (_, change, fault) => expect(faults(change)).toContain(fault));

  it('C2: is by a key that was given for them, where one was', () => {
    const told = story();
    const known = (key: TestSshKey) => new Map([['alice', [key.blob]]]);
    const good = verified(() => undefined, told, known(keyOf(told, 'alice')));
    expect(good).toMatchObject({ faults: [], approval: { votes: [{ isKnown: true }, { isKnown: false }] } });
    expect(faults(() => undefined, told, known(keyOf(told, 'bob')))).toContain(
      'the key is none of those that were given',
    );
  });

  it('people are in the file who voted, and nobody else', () => {
    expect(faults(({ of }) => void Object.assign(of('human.key_add').said, { name: 'carol' }))).toContain(
      'it is of somebody who did not vote',
    );
  });
});

describe('what votes come to', () => {
  it.each<[string, (told: Story) => void, Parameters<typeof story>[0]]>([
    [
      'two people, and no one of them twice',
      (told) =>
        Object.assign(told.of('vote.approve', 1), vote('alice', keyOf(told, 'alice'), told.request, BEGUN + 120_000)),
      {},
    ],
    ['of the strength that was asked for', () => undefined, { needStrength: 2 }],
    ['of other uids than the agent’s', ({ of }) => void Object.assign(of('human.key_add').said, { uids: '2000' }), {}],
    [
      'of people whose uids are known',
      ({ of }) => void Object.assign(of('human.key_add').said, { uids: '' }),
      { needOtherUid: true },
    ],
    ['not of whoever asked', () => undefined, { requestedBy: 'alice' }],
  ])('C1: is counted again: %s', (_, change, asks) => {
    expect(faults(change, story(asks))).toContain('the votes do not come to that');
  });

  it('C1: is not withheld', () => {
    const told = ({ of }: Story): void => {
      Object.assign(of('approval.approved'), { kind: 'approval.voted' });
      Object.assign(of('approval.voted', 1).said, { state: 'pending' });
    };
    expect(faults(told)).toContain('the votes come to more than it says');
  });

  it('is told with those that do not count', () => {
    const { remarks } = verified(({ of }) => void Object.assign(of('human.key_add').said, { uids: '2000' }));
    expect(remarks.join()).toContain('the vote of alice does not count: the agent may reach their keys');
  });
});
