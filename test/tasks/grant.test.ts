// SPDX-License-Identifier: Apache-2.0
/** A task under a grant: those who signed for that are asked no more, and what they signed for is all there is. */
import { describe, expect, it } from '@jest/globals';
import type { PolicyApproval, PolicyDecision, PolicyRequest } from '../../src/policy/contract.ts';
import { decideBegin } from '../../src/tasks/begin.ts';
import { leaseNow } from '../../src/tasks/issue.ts';
import type { TaskRooms } from '../../src/tasks/rooms.ts';
import { madeUpProcess } from '../support/door.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { refusalOf } from '../support/refusal.ts';
import { AGENT, ALLOW, BOB } from '../support/task-world.ts';

const GRANT = '01jdqw3h5v8z9k2m4n6p7r8s9t';
const NEED: PolicyDecision = {
  policyHash: 'aa',
  outcome: 'approve',
  need: { count: 1, strength: 2, otherUid: false },
  because: [{ policyId: 'h', reason: 'high impact' }],
};
const process = madeUpProcess();
const identity = { spiffeId: AGENT, kind: 'agent', owner: 'o', environment: '', labels: new Map(), state: 'active' };
const record = (grant: string | null) => ({
  ...{ id: 't', identity: AGENT, intents: [{ target: 'crm', action: 'read', resource: null }], purpose: 'p' },
  ...{ depth: 0, grant, state: 'active', deadline: Number.MAX_SAFE_INTEGER },
});
const caller = { identity, attested: { selectors: [], claimed: [], secrets: 'none-seen' }, text: '' };

/** Policy asks for one touch; the grant has what `signed` says. */
function rooms(signed: readonly PolicyApproval[]) {
  const asked: PolicyRequest[] = [];
  const made = {
    policy: {
      policyHash: 'aa',
      decide: (request: PolicyRequest) => {
        asked.push(request);
        return request.context.approvals.some(({ strength }) => strength >= 2) ? ALLOW : NEED;
      },
    },
    targets: { get: () => ({ name: 'crm', intents: ['read'] }) },
    grants: { approvalsFor: (id: string) => (id === GRANT ? signed : []) },
    registry: { identity: () => identity },
    findingsOf: () => [],
    uidRelation: () => 'other',
    settings: { x509TtlMs: 1, jwtTtlMs: 1 },
    clock: new FakeClock(),
  } as unknown as TaskRooms;
  return { made, asked };
}
const begin = (made: TaskRooms, grant: string | null) =>
  decideBegin(made, process, record(grant) as never, caller as never, 60_000).decision;
/** `asked`: of people about the task itself. */
const lease = (made: TaskRooms, grant: string | null, asked: readonly PolicyApproval[] = []) =>
  leaseNow(
    { ...made, approvals: { countedFor: () => asked } } as unknown as TaskRooms,
    { record: record(grant), leader: process, secrets: 'none-seen', uidRelation: 'other' } as never,
    new Map(),
  );

describe('a task under a grant', () => {
  it('C1: begins by what was signed for the grant', () => {
    const { made, asked } = rooms([BOB]);
    expect(begin(made, GRANT).outcome).toBe('allow');
    expect(asked.at(-1)?.context.approvals).toEqual([BOB]);
  });

  it('C1: is denied where policy wants more than that, and nobody is asked', () => {
    const { made } = rooms([{ ...BOB, strength: 1 }]);
    expect(begin(made, GRANT)).toMatchObject({
      outcome: 'deny',
      reasons: [{ policyId: 'grant', reason: expect.stringContaining('a touched key') }],
    });
    expect(begin(rooms([]).made, GRANT).outcome).toBe('deny');
  });

  it('C1: is given nothing more once those who signed for it count no more', () => {
    expect(lease(rooms([BOB]).made, GRANT)).toBeDefined();
    // What the task itself once had does not stand in.
    expect(refusalOf(() => lease(rooms([]).made, GRANT, [BOB])).reason).toBe('TASK_ISSUE_DENIED');
  });
});

it('C1: a task without one draws on none', () => {
  const { made } = rooms([BOB]);
  expect(begin(made, null).outcome).toBe('approve');
  expect(lease(made, null, [BOB])).toBeDefined();
  expect(refusalOf(() => lease(made, null)).reason).toBe('TASK_ISSUE_DENIED');
});
