// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { refuseUnfit } from '../../src/approvals/statement.ts';
import { type AskingFacts, requestForTask } from '../../src/daemon/task-approvals.ts';
import { systemRandom } from '../../src/lib/random.ts';
import type { PolicyTarget } from '../../src/policy/contract.ts';
import { pendingTask } from '../support/ballot-world.ts';

const NOW = Date.UTC(2030, 0, 1);
const NEED = {
  policyHash: 'cd'.repeat(32),
  outcome: 'approve',
  need: { count: 2, strength: 2, otherUid: true },
  because: [
    { policyId: 'z', reason: 'z' },
    { policyId: 'high-impact', reason: 'high impact' },
    { policyId: 'high-impact', reason: 'high impact' },
  ],
} as const;

const target = (name: string, change: Partial<PolicyTarget> = {}): PolicyTarget => ({
  ...{ name, owner: 'team:payments', environment: 'production', impact: 'high', intents: ['read', 'refund'] },
  ...{ thirdParty: false, reviewBy: null, expiresAt: NOW * 2, retired: false },
  ...change,
});
const attested = {
  facts: '{}',
  selectors: ['unix:uid:2000', 'unix:gid:2000'],
  claimed: ['unix:path:/usr/bin/node', `unix:sha256:${'ab'.repeat(32)}`],
  secrets: 'found',
};
const task = {
  ...pendingTask('01jdqw3h5v8z9k2m4n6p7r8s9t', NOW),
  attested: JSON.stringify(attested),
  intents: [
    { target: 'payments', action: 'refund', resource: 'ticket 4711' },
    { target: 'crm', action: 'read', resource: null },
    { target: 'payments', action: 'read', resource: null },
  ],
};
const facts: AskingFacts = {
  targets: { get: (name) => target(name, name === 'crm' ? { environment: '', impact: 'low' } : {}) },
  owner: 'human:alice',
  findings: ['new-binary', 'human-use', 'new-binary'],
  trustDomain: 'example.org',
  log: 'example.org/log/1',
  notAfter: NOW + 900_000,
  random: systemRandom,
};

describe('a task that waits, as people are shown it', () => {
  it('C4: says all that the decision rests on, in a form that can be signed', () => {
    const request = requestForTask(task, NEED, facts);
    refuseUnfit(request);
    expect(request).toMatchObject({
      ...{ kind: 'task', id: task.id, identity: task.identity, purpose: task.purpose, deadline: task.deadline },
      ...{ uid: 2_000, pid: 4_242, started: 987_654, executable: '/usr/bin/node', sha256: 'ab'.repeat(32) },
      ...{ selectors: ['unix:gid:2000', 'unix:uid:2000'], secrets: 'found', findings: ['human-use', 'new-binary'] },
      ...{ owner: 'human:alice', needCount: 2, needStrength: 2, needOtherUid: true, because: ['high-impact', 'z'] },
      ...{ policyHash: 'cd'.repeat(32), trustDomain: 'example.org', log: 'example.org/log/1', notAfter: NOW + 900_000 },
      targets: [
        { name: 'crm', environment: null, impact: 'low', intents: ['crm:read'] },
        {
          ...{ name: 'payments', owner: 'team:payments', environment: 'production', impact: 'high' },
          intents: ['payments:read', 'payments:refund=ticket 4711'],
        },
      ],
    });
  });

  it('C4: has another nonce each time, and is not asked beyond its own end', () => {
    const [one, other] = [requestForTask(task, NEED, facts), requestForTask(task, NEED, facts)];
    expect(one.nonce).toMatch(/^[\w-]{22}$/);
    expect(one.nonce).not.toBe(other.nonce);
    expect(requestForTask({ ...task, deadline: NOW + 5 }, NEED, facts).notAfter).toBe(NOW + 5);
  });

  it('A1: claims no program where several are claimed, and asks nobody about a target that has gone', () => {
    const several = { ...attested, claimed: ['unix:path:/a', 'unix:path:/b'] };
    const request = requestForTask({ ...task, attested: JSON.stringify(several) }, NEED, facts);
    expect([request.executable, request.sha256]).toEqual([null, null]);
    expect(() => requestForTask(task, NEED, { ...facts, targets: { get: () => undefined } })).toThrow('no target crm');
  });
});
