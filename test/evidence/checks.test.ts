// SPDX-License-Identifier: Apache-2.0
/** Stories of a task that a log may tell, and that do not hold together: what became of it, what decided, what was given in it. */
import { describe, expect, it } from '@jest/globals';
import { type Verified, verifyEvidence } from '../../src/evidence/verify.ts';
import {
  AGENT,
  aTask,
  BEGUN,
  CHILD,
  issued,
  logged,
  POLICY,
  revocation,
  type Story,
  step,
  story,
} from '../support/evidence-story.ts';

function verified(change: (told: Story) => void): Verified {
  const told = story();
  change(told);
  return verifyEvidence(logged(told), { logKey: undefined, humanKeys: new Map() });
}

const before = (told: Story, kind: string): number => told.told.indexOf(told.of(kind));
type Case = readonly [string, (told: Story) => void, string];

const TASKS: readonly Case[] = [
  [
    'C4: a step that is called something else',
    ({ of }) => void Object.assign(of('task.active').said, { state: 'pending' }),
    'it does not say what it is called',
  ],
  [
    'C4: a step at another time',
    ({ of }) => void Object.assign(of('task.active'), { at: 1 }),
    'it does not say what it is called',
  ],
  [
    'C4: a purpose that is another when it began',
    ({ of }) => void Object.assign(of('task.active').said, { purpose: 'refund all' }),
    'something is not as the task began: purpose',
  ],
  ['I3: a step that was left out', ({ without }) => without('task.active'), 'a step before it is not in the file'],
  [
    'I7: a task that begins after its end',
    (told) => void told.told.push(step(aTask(), 'active', BEGUN + 400_000, 4)),
    'active does not follow ended',
  ],
  ['none at all', ({ without }) => without('task.'), 'nothing in the file says that there was one'],
  [
    'C4: a child that is of somebody else',
    ({ told }) => void Object.assign(told.find(({ task }) => task === CHILD)?.said ?? {}, { parent: CHILD }),
    "it is of a task that is none of this one's",
  ],
  [
    'an event of no matter',
    ({ told }) => void Object.assign(told[0] ?? {}, { left: false }),
    'it is no matter of the task',
  ],
  [
    'a step that says nothing',
    ({ of }) => void Object.assign(of('task.active'), { gone: true }),
    'what it says is not there',
  ],
];

const POLICIES: readonly Case[] = [
  [
    'C1: policies that decided and are not there',
    (told) => void Object.assign(told, { policies: [] }),
    'they decided, and their text is not in the file',
  ],
  [
    'C1: policies of another text',
    (told) => void Object.assign(told, { policies: [{ ...POLICY, text: POLICY.text.replace('permit', 'forbid') }] }),
    'their text is another',
  ],
  [
    'C1: policies with more in their text than is hashed',
    (told) => void Object.assign(told, { policies: [{ ...POLICY, text: POLICY.text.replace('{', '{"a":1,') }] }),
    'their text is another',
  ],
  [
    'C1: policies whose text is none',
    (told) => void Object.assign(told, { policies: [{ ...POLICY, text: 'x' }] }),
    'their text is another',
  ],
  [
    'policies that decided nothing of it',
    (told) => void told.policies.push({ hash: 'f'.repeat(64), text: '{}' }),
    'they decided nothing of this task',
  ],
];

const GIVEN: readonly Case[] = [
  [
    'C4: of another identity',
    ({ of }) => void Object.assign(of('issue.x509'), { identity: 'spiffe://example.org/other' }),
    `it is of spiffe://example.org/other, not of ${AGENT}`,
  ],
  [
    'C1: before people had approved',
    (told) => void told.told.splice(before(told, 'task.active'), 0, issued('issue.x509', 70, 'cc'.repeat(16), BEGUN)),
    'it was given before the task began',
  ],
  [
    'I7: after the end',
    ({ told }) => void told.push(issued('issue.x509', 73, 'cc'.repeat(16), BEGUN + 400_000)),
    'it was given when the task was over',
  ],
  [
    'I5: beyond the deadline',
    ({ of }) => void Object.assign(of('issue.x509').said, { not_after: BEGUN + 3_600_001 }),
    'it is good for longer than the task',
  ],
  [
    'I7: and not taken back at the end',
    ({ of }) => void Object.assign(of('issue.revoke').said, { serials: ['a1'.repeat(16)] }),
    '(issue.jwt): it was not taken back when the task ended',
  ],
  [
    'I7: and taken back too late',
    ({ of }) => void Object.assign(of('issue.revoke'), { at: BEGUN + 360_001 }),
    'it was not taken back when the task ended',
  ],
  [
    'I3: and left out of the file',
    ({ without }) => without('issue.x509'),
    `what was given with serial ${'a1'.repeat(16)} is not in the file`,
  ],
  [
    'C4: with a revocation of something else',
    ({ told }) => void told.push(revocation(['cc'.repeat(16)], BEGUN, 'serial', 'cc'.repeat(16))),
    'it takes back nothing that was given in the task',
  ],
  [
    'with something unsent that is none of it',
    ({ of }) => void Object.assign(of('issue.undelivered').said, { seq: 9 }),
    'it is of nothing that was given in the task',
  ],
];

describe('an evidence does not hold', () => {
  it.each(TASKS)('with %s', (_, change, fault) => expect(verified(change).faults.join('\n')).toContain(fault));
  it.each(POLICIES)('with %s', (_, change, fault) => expect(verified(change).faults.join('\n')).toContain(fault));
  it.each(GIVEN)('with something given, %s', (_, change, fault) =>
    expect(verified(change).faults.join('\n')).toContain(fault),
  );
});

describe('an evidence holds, and says', () => {
  it.each<Case>([
    [
      'that the task is not over',
      ({ without }) => without('task.ended', 'issue.revoke'),
      'the task was not over when the checkpoint was signed',
    ],
    [
      'that what was given has left the daemon',
      (told) => {
        Object.assign(told.of('issue.x509'), { gone: true });
      },
      'of 1 that were given, what they were is not in the daemon any more',
    ],
    [
      'that there are events it does not know',
      ({ told }) => void told.push({ ...issued('use.checked', 1, 'aa', BEGUN) }),
      '1 events of the task are of kinds that this program does not know: use.checked',
    ],
    [
      'that a digest cannot be made again',
      ({ everywhere, of }) => everywhere('digest', of('task.active').said.digest, 'ab'.repeat(32)),
      'cannot be made again',
    ],
  ])('%s', (_, change, remark) => {
    const { faults, remarks } = verified(change);
    expect(faults).toEqual([]);
    expect(remarks.join('\n')).toContain(remark);
  });

  it('what was taken back before the end, by whom it names', () => {
    const { faults, issued: given } = verified(({ told, of }) => {
      of('issue.revoke').said.serials = ['b2'.repeat(16)];
      const at = told.indexOf(of('task.ended'));
      told.splice(at, 0, revocation(['a1'.repeat(16), 'dd'.repeat(16)], BEGUN + 200_000, 'entry', 'e'));
    });
    expect(faults).toEqual([]);
    expect(given[0]?.revoked?.at).toBe(BEGUN + 200_000);
  });
});
