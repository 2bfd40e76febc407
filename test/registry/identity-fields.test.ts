// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { newIdentity, parseIdentity, refuseDifferences } from '../../src/registry/identity-fields.ts';
import type { NewIdentity } from '../../src/registry/input.ts';
import { NOW } from '../store/samples.ts';
import { refusalOf } from '../support/refusal.ts';
import { DAY } from './rooms.ts';

const ACTOR = { uid: 1001, pid: 7 };
const make = (said: NewIdentity) => newIdentity('spiffe://td/a', parseIdentity(said, NOW), ACTOR, NOW);

describe('a new identity', () => {
  it('has its defaults: the operator for owner, a service, a year', () => {
    expect(make({})).toEqual({
      spiffeId: 'spiffe://td/a',
      owner: 'uid:1001',
      deputy: null,
      reviewBy: null,
      purpose: null,
      kind: 'service',
      environment: null,
      labels: new Map(),
      state: 'active',
      stateReason: null,
      stateSince: NOW,
      expiresAt: NOW + 365 * DAY,
      createdAt: NOW,
      createdBy: 'uid:1001',
      revision: 1,
    });
  });

  it('of kind agent needs a purpose and lives for 90 days', () => {
    const refused = refusalOf(() => make({ kind: 'agent' }));
    expect([refused.reason, refused.field]).toEqual(['PURPOSE_REQUIRED', 'purpose']);
    expect(make({ kind: 'agent', purpose: 'reviews code' })).toMatchObject({
      kind: 'agent',
      expiresAt: NOW + 90 * DAY,
    });
  });

  it('takes what is said', () => {
    const labels = new Map([
      ['__proto__', 'x'],
      ['team', 'a b'],
    ]);
    const said = {
      owner: 'ann',
      purpose: 'pays',
      kind: 'bot',
      environment: 'prod',
      labels,
      expiresAt: NOW + 1,
    } as const;
    expect(make(said)).toMatchObject({ ...said, state: 'active' });
  });

  it.each<[string, object, string]>([
    ['an unknown kind', { kind: 'robot' }, 'kind'],
    ['a kind that objects have', { kind: '__proto__' }, 'kind'],
    ['an empty owner', { owner: '' }, 'owner'],
    ['an owner that repaints the screen', { owner: 'ann\u001b[1A' }, 'owner'],
    ['a purpose of 201 characters', { purpose: 'x'.repeat(201) }, 'purpose'],
    ['an environment of 65 characters', { environment: 'x'.repeat(65) }, 'env'],
    ['an end in the past', { expiresAt: NOW }, 'identity_expires'],
    ['a label without a key', { labels: new Map([['', 'x']]) }, 'label'],
    ['a label key of 129 characters', { labels: new Map([['x'.repeat(129), 'x']]) }, 'label'],
    ['a hidden character in a label', { labels: new Map([['k', 'a\u200bb']]) }, 'label "k"'],
  ])('is refused with %s', (_, said, field) => {
    expect(refusalOf(() => make(said as NewIdentity))).toMatchObject({ kind: 'invalid-argument', field });
  });

  it('I9: has at most 64 labels', () => {
    const labels = (count: number) => new Map(Array.from({ length: count }, (_, i) => [`k${i}`, 'v'] as const));
    expect(make({ labels: labels(64) }).labels.size).toBe(64);
    expect(refusalOf(() => make({ labels: labels(65) }))).toMatchObject({ reason: 'LIMIT_REACHED', field: 'label' });
  });
});

describe('what is said of a registered identity', () => {
  const is = make({
    owner: 'ann',
    kind: 'bot',
    labels: new Map([
      ['a', '1'],
      ['b', '2'],
    ]),
    expiresAt: NOW + DAY,
  });

  it.each<[string, NewIdentity]>([
    ['nothing', {}],
    [
      'the same',
      {
        owner: 'ann',
        kind: 'bot',
        expiresAt: NOW + DAY,
        labels: new Map([
          ['b', '2'],
          ['a', '1'],
        ]),
      },
    ],
  ])('may be %s', (_, said) => {
    expect(() => refuseDifferences(parseIdentity(said, NOW), is)).not.toThrow();
  });

  it.each<[string, NewIdentity, string, string]>([
    ['owner', { owner: 'bob' }, '"bob"', '"ann"'],
    ['kind', { kind: 'job' }, '"job"', '"bot"'],
    ['purpose', { purpose: 'pays' }, '"pays"', 'none'],
    ['env', { environment: 'prod' }, '"prod"', 'none'],
    ['identity_expires', { expiresAt: NOW + 2 * DAY }, '2030-01-03', '2030-01-02'],
    ['label', { labels: new Map([['a', '1']]) }, '"a=1"', '"a=1, b=2"'],
  ])('is refused when its %s differs, naming both', (field, said, wanted, registered) => {
    const refused = refusalOf(() => refuseDifferences(parseIdentity(said, NOW), is));
    expect([refused.kind, refused.reason, refused.field]).toEqual(['failed-precondition', 'IDENTITY_DIFFERS', field]);
    expect(refused.message).toContain(wanted);
    expect(refused.message).toContain(registered);
  });
});
