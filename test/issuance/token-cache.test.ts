// SPDX-License-Identifier: Apache-2.0
import { expect, it } from '@jest/globals';
import { type CachedToken, TokenCache } from '../../src/issuance/token-cache.ts';
import type { Grant } from '../../src/registry/match.ts';
import { anEntry, anIdentity, NOW } from '../store/samples.ts';

const grant = (entry: object = {}, identity: object = {}, rest: object = {}): Grant => ({
  entry: anEntry(entry),
  identity: anIdentity(identity),
  hint: '',
  federatesWith: [],
  endsAt: NOW + 1_000_000,
  claimedOnly: false,
  subject: 'spiffe://td/a',
  lease: undefined,
  ...rest,
});

const token: CachedToken = {
  token: 'a.b.c',
  serial: 'ab',
  authorityId: 'k',
  issuedAt: NOW,
  notBefore: NOW,
  notAfter: NOW + 300_000,
  askedTtlMs: 300_000,
  cutShortBy: undefined,
  seq: 1,
  entryRevision: 1,
  identityRevision: 1,
  ttlMs: 300_000,
  delivered: true,
};

it.each([
  ['another revision of the entry', grant({ revision: 2 }), 300_000],
  ['another revision of the identity', grant({}, { revision: 2 }), 300_000],
  ['an earlier end', grant({}, {}, { endsAt: NOW + 200_000 }), 300_000],
  ['another TTL', grant(), 60_000],
])('I1, I5: what was decided on %s is not given, and leaves', (_, other, ttlMs) => {
  const left: CachedToken[] = [];
  const cache = new TokenCache((one) => left.push(one));
  cache.put(grant(), ['aud'], token);
  expect(cache.get(grant(), ['aud'], 300_000)).toBe(token);
  expect(cache.get(other, ['aud'], ttlMs)).toBeUndefined();
  expect(left).toEqual([token]);
  expect(cache.get(grant(), ['aud'], 300_000)).toBeUndefined();
});

it('audiences that only look the same when they are joined are others', () => {
  const cache = new TokenCache(() => undefined);
  cache.put(grant(), ['a', 'b'], token);
  for (const audiences of [['a,b'], ['a"', 'b'], ['ab'], ['b', 'a'], ['a']])
    expect(cache.get(grant(), audiences, 300_000)).toBeUndefined();
});
