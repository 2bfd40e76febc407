// SPDX-License-Identifier: Apache-2.0
/** Approvals that were taken back, in the evidence of their task. */
import { describe, expect, it } from '@jest/globals';
import { verifyEvidence } from '../../src/evidence/verify.ts';
import { asked, BEGUN, logged, type Story, story, type Told, vote } from '../support/evidence-story.ts';
import type { TestSshKey } from '../support/sshsig.ts';

const keyOf = ({ keys }: Story, name: string): TestSshKey => keys.get(name) as TestSshKey;
const back = (told: Story, name: string, at: number, key = name): Told =>
  vote(name, keyOf(told, key), told.request, at, { decision: 'withdraw', reason: 'wrong account' });
const check = (told: Story) => verifyEvidence(logged(told), { logKey: undefined, humanKeys: new Map() });
const ahead = (told: Story, one: Told, ...more: Told[]): void =>
  void told.told.splice(told.told.indexOf(one), 0, ...more);

describe('an approval that was taken back', () => {
  it('is told, with the end of the task that it brought', () => {
    const told = story();
    const end = told.of('task.ended');
    Object.assign(end.said, { end: 'revoked', end_reason: 'alice took their approval back' });
    ahead(told, end, back(told, 'alice', BEGUN + 360_000));
    const { faults, approval } = check(told);
    expect(faults).toEqual([]);
    expect(approval).toMatchObject({
      state: 'approved',
      votes: [{ decision: 'approve' }, { decision: 'approve' }, { human: 'alice', decision: 'withdraw' }],
      counted: [{ human: 'alice' }, { human: 'bob' }],
    });
  });

  it('I7: after the time to answer is as good', () => {
    const told = story();
    for (const kind of ['task.ended', 'issue.revoke']) told.of(kind).at = BEGUN + 1_800_000;
    Object.assign(told.of('task.ended').said, { state_since: BEGUN + 1_800_000 });
    ahead(told, told.of('task.ended'), back(told, 'bob', BEGUN + 1_800_000));
    expect(check(told).faults).toEqual([]);
  });

  it('I7: ends the task at once', () => {
    const told = story();
    ahead(told, told.of('issue.jwt'), back(told, 'alice', BEGUN + 200_000));
    expect(check(told).faults.join()).toContain('by alice: the task did not end with it');
  });

  it('C2: is their own', () => {
    const forged = story();
    ahead(forged, forged.of('task.ended'), back(forged, 'alice', BEGUN + 360_000, 'bob'));
    expect(check(forged).faults.join()).toContain('the key was not theirs then');
    const none = story({ needCount: 1 });
    none.told.splice(none.told.indexOf(none.of('vote.approve', 1)), 1);
    none.told.splice(none.told.indexOf(none.of('approval.voted')), 1);
    Object.assign(none.of('approval.approved').said, { revision: 2 });
    ahead(none, none.of('task.ended'), back(none, 'bob', BEGUN + 360_000));
    expect(check(none).faults.join()).toContain('by bob: there was no approval of theirs to take back');
  });

  it('C1: before it was decided is not counted', () => {
    const told = story();
    const again = asked('voted', told.request, BEGUN + 90_000, 'pending', 3);
    ahead(told, told.of('vote.approve', 1), back(told, 'alice', BEGUN + 90_000), again);
    Object.assign(told.of('approval.approved').said, { revision: 4 });
    expect(check(told).faults.join()).toContain('the votes do not come to that');
  });
});
