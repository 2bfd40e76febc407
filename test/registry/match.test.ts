// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Candidate, decide, type MatchRules } from '../../src/registry/match.ts';
import type { EntryRecord, IdentityRecord } from '../../src/store/records.ts';
import { anEntry, anIdentity, NOW } from '../store/samples.ts';
import { callerWith } from './rooms.ts';

const RULES: MatchRules = { now: NOW, grantsPerCaller: 100, unseen: 0 };
const CALLER = callerWith('unix:uid:1000', 'unix:path:/x');

function candidate(entry: Partial<EntryRecord>, identity: Partial<IdentityRecord> = {}): Candidate {
  const spiffeId = entry.spiffeId ?? 'spiffe://td/a';
  return { entry: anEntry({ ...entry, spiffeId }), identity: anIdentity({ ...identity, spiffeId }) };
}

const match = (candidates: Candidate[], rules: Partial<MatchRules> = {}) =>
  decide(candidates, CALLER, { ...RULES, ...rules });
const granted = (candidates: Candidate[]) => match(candidates).grants.map((grant) => grant.entry.id);

describe('the order', () => {
  it('WAPI-18: is by age of the entry, then by its id, whatever order they are found in', () => {
    const candidates = [
      candidate({ id: 'b', createdAt: 5, spiffeId: 'spiffe://td/1' }),
      candidate({ id: 'a', createdAt: 5, spiffeId: 'spiffe://td/2' }),
      candidate({ id: 'B', createdAt: 5, spiffeId: 'spiffe://td/3' }),
      candidate({ id: 'z', createdAt: 4, spiffeId: 'spiffe://td/4' }),
      candidate({ id: '0', createdAt: 6, spiffeId: 'spiffe://td/5' }),
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray(candidates, { minLength: 5 }), (shuffled) =>
        expect(granted(shuffled)).toEqual(['z', 'B', 'a', 'b', '0']),
      ),
    );
  });

  it('WAPI-18: a new entry never changes the default', () => {
    const old = candidate({ id: 'z', createdAt: 1, spiffeId: 'spiffe://td/z' });
    const added = candidate({ id: 'a', createdAt: 2, spiffeId: 'spiffe://td/a' });
    expect(granted([added, old])[0]).toBe('z');
  });
});

describe('entries of one identity', () => {
  it('with the same hint are one grant: the oldest mints, federation is the union', () => {
    const found = match([
      candidate({ id: 'new', createdAt: 2, federatesWith: ['a.org', 'c.org'], dnsNames: ['new.org'] }),
      candidate({ id: 'old', createdAt: 1, federatesWith: ['b.org', 'c.org'], dnsNames: ['old.org'] }),
    ]);
    expect(found.grants).toHaveLength(1);
    expect(found.grants[0]).toMatchObject({ entry: { id: 'old', dnsNames: ['old.org'] }, hint: '' });
    expect(found.grants[0]?.federatesWith).toEqual(['a.org', 'b.org', 'c.org']);
    expect([found.entryIds, found.refused]).toEqual([['old', 'new'], []]);
  });

  it('with different hints are one grant each', () => {
    const found = match([
      candidate({ id: '1', createdAt: 1, hint: 'x' }),
      candidate({ id: '2', createdAt: 2, hint: '' }),
      candidate({ id: '3', createdAt: 3, hint: 'X' }),
    ]);
    expect(found.grants.map((grant) => [grant.entry.id, grant.hint])).toEqual([
      ['1', 'x'],
      ['2', ''],
      ['3', 'X'],
    ]);
  });
});

describe('a hint', () => {
  const a = (id: string, createdAt: number, hint: string) => candidate({ id, createdAt, hint });
  const b = (id: string, createdAt: number, hint: string) =>
    candidate({ id, createdAt, hint, spiffeId: 'spiffe://td/b' });

  it('WAPI-16: on two identities goes to the oldest entry, tie broken by id', () => {
    const found = match([b('1', 2, 'h'), a('2', 1, 'h')]);
    expect(found.grants.map((grant) => grant.entry.id)).toEqual(['2']);
    expect(found.refused).toEqual([
      expect.objectContaining({ entryId: '1', spiffeId: 'spiffe://td/b', reason: 'HINT_TAKEN' }),
    ]);
    expect(found.entryIds).toEqual(['2']);
    expect(granted([b('1', 1, 'h'), a('2', 1, 'h')])).toEqual(['1']);
  });

  it('WAPI-16: that is empty equals no other', () => {
    expect(granted([a('1', 1, ''), b('2', 2, '')])).toEqual(['1', '2']);
  });

  it('WAPI-16: is not taken by an entry that is refused itself', () => {
    const suspended = candidate({ id: '1', createdAt: 1, hint: 'h' }, { state: 'suspended' });
    expect(granted([suspended, b('2', 2, 'h')])).toEqual(['2']);
  });

  it('ID-19: may be __proto__', () => {
    expect(granted([a('1', 1, '__proto__'), b('2', 2, 'constructor')])).toEqual(['1', '2']);
  });
});

describe('what is refused', () => {
  it.each<[string, Partial<EntryRecord>, Partial<IdentityRecord>, string]>([
    ['I5: an entry that has expired', { expiresAt: NOW }, {}, 'ENTRY_EXPIRED'],
    ['I5: an identity that has expired, though the sweep was late', {}, { expiresAt: NOW }, 'EXPIRED'],
    ['I5: an identity that the sweep suspended', {}, { expiresAt: NOW, state: 'suspended' }, 'EXPIRED'],
    ['I1: a suspended identity', {}, { state: 'suspended' }, 'SUSPENDED'],
    ['I1: a retired identity', {}, { state: 'retired' }, 'RETIRED'],
    ['I1: a draft', {}, { state: 'draft' }, 'DRAFT'],
    ['C1: an agent, which needs a task', {}, { kind: 'agent' }, 'TASK_REQUIRED'],
    ['A1: claimed selectors alone', { selectors: ['unix:path:/x'] }, {}, 'CLAIMED_ONLY'],
  ])('%s', (_, entry, identity, reason) => {
    const found = match([
      candidate({ id: 'no', ...entry }, identity),
      candidate({ id: 'yes', spiffeId: 'spiffe://td/b' }),
    ]);
    expect(found.grants.map((grant) => grant.entry.id)).toEqual(['yes']);
    expect(found.refused).toEqual([{ entryId: 'no', spiffeId: 'spiffe://td/a', reason, text: expect.any(String) }]);
    expect(found.entryIds).toEqual(['yes']);
  });

  it('A1: claimed selectors that were accepted are granted and marked', () => {
    const found = match([candidate({ selectors: ['unix:path:/x'], claimedAccepted: true })]);
    expect(found.grants[0]?.claimedOnly).toBe(true);
    expect(match([candidate({ selectors: ['unix:path:/x', 'unix:uid:1000'] })]).grants[0]?.claimedOnly).toBe(false);
  });

  it('I9: more identities than the limit; the oldest win', () => {
    const candidates = [1, 2, 3, 4].map((n) => candidate({ id: `${n}`, createdAt: n, spiffeId: `spiffe://td/${n}` }));
    // The federation of a grant that is there may still grow.
    candidates.push(candidate({ id: '5', createdAt: 5, spiffeId: 'spiffe://td/1', federatesWith: ['f.org'] }));
    const found = match(candidates, { grantsPerCaller: 2, unseen: 7 });
    expect(found.grants.map((grant) => [grant.entry.id, grant.federatesWith])).toEqual([
      ['1', ['f.org']],
      ['2', []],
    ]);
    expect(found.refused.map((refused) => [refused.entryId, refused.reason])).toEqual([
      ['3', 'TOO_MANY'],
      ['4', 'TOO_MANY'],
      ['4', 'TOO_MANY'],
    ]);
    expect(found.refused[2]?.text).toContain('7 newer entries');
  });
});

describe('time', () => {
  it('I5: a grant ends with its entry or its identity, whichever is first', () => {
    expect(match([candidate({ expiresAt: NOW + 5 }, { expiresAt: NOW + 9 })]).grants[0]?.endsAt).toBe(NOW + 5);
    expect(match([candidate({ expiresAt: NOW + 9 }, { expiresAt: NOW + 5 })]).grants[0]?.endsAt).toBe(NOW + 5);
    expect(match([candidate({}, { expiresAt: NOW + 5 })]).grants[0]?.endsAt).toBe(NOW + 5);
  });

  it('the answer says when it changes by time alone', () => {
    const found = match([
      candidate({ id: '1', createdAt: 1, expiresAt: NOW + 50 }),
      // Adds to the federation only, until then.
      candidate({ id: '2', createdAt: 2, expiresAt: NOW + 20 }),
      candidate({ id: '3', createdAt: 3, expiresAt: NOW - 1 }),
      candidate({ id: '4', createdAt: 4, expiresAt: NOW + 1, spiffeId: 'spiffe://td/b' }, { state: 'suspended' }),
    ]);
    expect(found.nextDeadline).toBe(NOW + 20);
    expect(match([]).nextDeadline).toBeUndefined();
    expect(match([candidate({ expiresAt: NOW })]).nextDeadline).toBeUndefined();
  });
});
