// SPDX-License-Identifier: Apache-2.0
/** The grant that a task began under, held against what people signed and against the task. */
import { describe, expect, it } from '@jest/globals';
import type { ApprovalRequest } from '../../src/approvals/request.ts';
import { type Verified, verifyEvidence } from '../../src/evidence/verify.ts';
import { aGrant, grantStory } from '../support/evidence-grant.ts';
import { aTask, BEGUN, logged, requestFor, type Story, vote } from '../support/evidence-story.ts';
import type { TestSshKey } from '../support/sshsig.ts';

const MINUTE = 60_000;

function verified(change: (told: Story) => void, of: Story = grantStory()): Verified {
  change(of);
  return verifyEvidence(logged(of), { logKey: undefined, humanKeys: new Map() });
}
const faults = (...args: Parameters<typeof verified>): string => verified(...args).faults.join('\n');
const first = (told: Story, said: object): void => {
  for (const one of told.told) if (one.kind.startsWith('grant.')) Object.assign(one.said, said);
};

describe('a grant', () => {
  it('is in the evidence of the task that began under it, with who signed it', () => {
    const { faults: none, remarks, grant, approval } = verified(() => undefined);
    expect({ none, remarks }).toEqual({ none: [], remarks: [] });
    expect(approval).toBeUndefined();
    expect(grant).toMatchObject({ id: aGrant().id, use: 2, maxTasks: 3, approval: { state: 'approved' } });
    expect(grant?.approval.votes.map(({ human }) => human)).toEqual(['alice', 'bob']);
  });

  it('that was written before there were emergencies is as good', () => {
    const older = (told: Story): void => {
      for (const kind of ['grant.requested', 'grant.pending']) delete told.of(kind).said['break_glass'];
    };
    expect(faults(older)).toBe('');
  });

  it.each<[string, (told: Story) => void, string]>([
    ['C1: is there', (told) => told.without('grant.'), 'nothing of that is in the file'],
    ['C1: was asked for', (told) => told.without('approval.', 'vote.', 'human.'), 'nobody was asked'],
    [
      'C4: is there where the task names it alone',
      (told) => told.everywhere('grant', aGrant().id, null),
      'the task did not begin under one',
    ],
    [
      'I7: was not over',
      ({ of }) => {
        Object.assign(of('grant.used'), { kind: 'grant.revoked', task: null });
        Object.assign(of('grant.revoked').said, { state: 'revoked' });
      },
      'the grant was not one that a task could still begin under',
    ],
    [
      'C4: is in the state that its step is called by',
      ({ of }) => void Object.assign(of('grant.used').said, { state: 'revoked' }),
      'it does not say what it is called',
    ],
    [
      'C4: does not change',
      ({ of }) => void Object.assign(of('grant.used').said, { max_tasks: 4 }),
      'something is not as the grant was asked for: max_tasks',
    ],
    [
      'C4: does not become one for emergencies',
      ({ of }) => void Object.assign(of('grant.active').said, { break_glass: 1 }),
      'something is not as the grant was asked for: break_glass',
    ],
    [
      'I3: has all of its steps',
      ({ of }) => void Object.assign(of('grant.used', 1).said, { revision: 6 }),
      'a step before it is not in the file',
    ],
    [
      'I3: counts its tasks',
      ({ of }) => void Object.assign(of('grant.used', 1).said, { used: 1 }),
      'its tasks are counted otherwise',
    ],
    [
      'I3: was drawn on by this task',
      ({ of }) => void Object.assign(of('grant.used', 1), { task: 'other' }),
      'the task did not begin in the step that drew on it',
    ],
    [
      'C1: is of its identity',
      (told) => first(told, { identity: 'spiffe://example.org/agent/other' }),
      'such a task: identity',
    ],
    ['C1: has its intents', (told) => first(told, { intents: '[["crm","read",null]]' }), 'such a task: intents'],
    ['C1: has a window around it', (told) => first(told, { window_to: BEGUN + 10 * MINUTE }), 'such a task: window'],
    ['C1: lets it last so long', (told) => first(told, { max_task_ttl: MINUTE }), 'such a task: max_task_ttl'],
    [
      'C4: is what people signed',
      (told) => first(told, { digest: `sha256:${'0'.repeat(64)}` }),
      'its digest is not that of what people signed',
    ],
    ['C4: has the purpose that was shown', (told) => first(told, { purpose: 'other' }), 'is not the grant: purpose'],
    [
      'C4: has the number of tasks that was shown',
      (told) => first(told, { max_tasks: 9 }),
      'is not the grant: most_tasks',
    ],
    ['C4: begins when it was shown to', (told) => first(told, { window_from: BEGUN - 1 }), 'is not the grant: from'],
    [
      'C1: was approved before it was active',
      ({ told, of }) =>
        void told.splice(told.indexOf(of('approval.open')), 0, ...told.splice(told.indexOf(of('grant.active')), 1)),
      'it was active, and people had not approved it',
    ],
    [
      'C2: has the approval of people who are still there as the task begins',
      ({ told, of }) => {
        const left = of('human.key_add');
        const at = told.findIndex(({ kind }, no) => kind === 'daemon.start' && no > told.indexOf(of('grant.active')));
        told[at] = { ...left, kind: 'human.leave', said: { ...left.said, active: 0, revision: 3 } };
      },
      'as the task began, the votes did not come to an approval',
    ],
    [
      'C2: has no approval that was taken back before the task began',
      (told) => {
        const { of, keys, request } = told;
        const said = { decision: 'withdraw', reason: 'wrong account' } as const;
        const back = vote('alice', keys.get('alice') as TestSshKey, request, BEGUN - MINUTE, said);
        told.told.splice(told.told.indexOf(of('grant.used')), 0, { ...back, task: null });
      },
      'as the task began, the votes did not come to an approval',
    ],
    [
      'C3: for an emergency is signed by two verified people',
      (told) => first(told, { break_glass: 1 }),
      'too few were asked',
    ],
    [
      'C4: has what was signed of it',
      ({ of }) => void Object.assign(of('vote.approve').said, { statement: of('vote.approve', 1).said['statement'] }),
      'it is not what was signed',
    ],
  ])('%s', (_, change, fault) => expect(faults(change)).toContain(fault));
});

describe('what people were asked', () => {
  it.each<[string, Partial<ApprovalRequest>]>([
    ['id', { id: aTask().id }],
    ['identity', { identity: 'spiffe://example.org/agent/other' }],
    ['intents', { targets: requestFor(aTask()).targets.map((one) => ({ ...one, intents: ['payments:read'] })) }],
    ['purpose', { purpose: 'another shift' }],
    ['from', { from: BEGUN }],
    ['deadline', { deadline: BEGUN + 60 * MINUTE }],
    ['most_tasks', { mostTasks: 2 }],
    ['task_seconds', { taskSeconds: 60 }],
    ['log', { log: 'example.org/log/2' }],
  ])('C4: is the grant as it was asked for: %s', (field, change) => {
    expect(faults(() => undefined, grantStory(change))).toMatch(
      new RegExp(`what people were asked is not the grant: .*${field}`),
    );
  });
});
