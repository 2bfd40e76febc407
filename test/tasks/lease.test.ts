// SPDX-License-Identifier: Apache-2.0
import { expect, it } from '@jest/globals';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { leaseOf } from '../../src/tasks/lease.ts';

const task = {
  id: '01jdqw3h5v8z9k2m4n6p7r8s9t',
  identity: 'spiffe://td/a',
  intents: [
    { target: 'crm', action: 'read', resource: null },
    { target: 'crm', action: 'read', resource: 'x' },
  ],
  deadline: 1_000,
  state: 'active',
} as unknown as TaskRecord;
const terms = { x509TtlMs: 5, jwtTtlMs: 6 };

it('I5: a lease is there while its task is active and not past its deadline', () => {
  expect(leaseOf(task, terms, 999)).toMatchObject({
    endsAt: 1_000,
    subject: `spiffe://td/a/task/${task.id}`,
    ...terms,
  });
  expect(leaseOf(task, terms, 1_000)).toBeUndefined();
  for (const state of ['pending', 'ended', 'denied'] as const)
    expect(leaseOf({ ...task, state }, terms, 0)).toBeUndefined();
});

it('says each scope once', () => {
  expect(new Map(leaseOf(task, terms, 0)!.claims).get('scope')).toBe('crm:read');
});
