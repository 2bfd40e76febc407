// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { type Candidate, decide, type Lease, type Match } from '../../src/registry/match.ts';
import type { EntryRecord, IdentityRecord } from '../../src/store/records.ts';
import { anEntry, anIdentity, NOW } from '../store/samples.ts';
import { callerWith } from './rooms.ts';

const AGENT = 'spiffe://td/agent';
const CALLER = callerWith('unix:uid:1000', 'unix:path:/x');

const LEASE: Lease = {
  taskId: '01K0000000000000000000TASK',
  identity: AGENT,
  subject: `${AGENT}/task/01K0000000000000000000TASK`,
  endsAt: NOW + 60_000,
  x509TtlMs: 900_000,
  jwtTtlMs: 300_000,
  claims: [],
};

function candidate(entry: Partial<EntryRecord>, identity: Partial<IdentityRecord> = {}): Candidate {
  const spiffeId = entry.spiffeId ?? AGENT;
  const kind = spiffeId === AGENT ? 'agent' : 'service';
  return { entry: anEntry({ ...entry, spiffeId }), identity: anIdentity({ kind, ...identity, spiffeId }) };
}

const under = (lease: Lease | undefined, ...candidates: Candidate[]): Match =>
  decide(candidates, CALLER, { now: NOW, grantsPerCaller: 100, unseen: 0, lease });

describe('what a caller gets within a task', () => {
  it('I1: is the identity that the task was lent for, and no other that its selectors match', () => {
    const found = under(
      LEASE,
      candidate({ id: 'older', createdAt: 1, spiffeId: 'spiffe://td/other' }),
      candidate({ id: 'lent', createdAt: 2 }),
      candidate({ id: 'below', createdAt: 3, spiffeId: `${AGENT}/more` }),
    );
    expect(found.grants.map((grant) => grant.entry.id)).toEqual(['lent']);
    expect([found.entryIds, found.refused]).toEqual([['lent'], []]);
  });

  it('carries the ID of the task, whichever entry of the identity mints', () => {
    const [older, newer] = under(LEASE, candidate({ id: '1', hint: 'a' }), candidate({ id: '2', hint: 'b' })).grants;
    expect([older?.subject, newer?.subject]).toEqual([LEASE.subject, LEASE.subject]);
    expect(older?.lease).toBe(LEASE);
  });

  it('I5: ends with the task, however long entry and identity last', () => {
    const long = candidate({ expiresAt: NOW + 3_600_000 }, { expiresAt: NOW + 7_200_000 });
    expect(under(LEASE, long).grants[0]?.endsAt).toBe(LEASE.endsAt);
  });

  it('I5: ends with the entry or the identity where these end before the task', () => {
    expect(under(LEASE, candidate({ expiresAt: NOW + 10_000 })).grants[0]?.endsAt).toBe(NOW + 10_000);
    expect(under(LEASE, candidate({}, { expiresAt: NOW + 20_000 })).grants[0]?.endsAt).toBe(NOW + 20_000);
  });

  it('C1: is nothing outside of the task, when it is an agent’s', () => {
    const found = under(undefined, candidate({ id: 'lent' }));
    expect(found.grants).toEqual([]);
    expect(found.refused.map((one) => one.reason)).toEqual(['TASK_REQUIRED']);
  });

  it('I1: is nothing once the identity is suspended', () => {
    expect(under(LEASE, candidate({}, { state: 'suspended' })).grants).toEqual([]);
  });
});
