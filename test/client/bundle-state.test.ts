// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { readJwtBundles, readX509Bundles } from '../../src/client/bundle-state.ts';
import { renderJwks } from '../../src/jwt/key.ts';
import { newJwtKey } from '../support/jwt-keys.ts';
import { refusalOf } from '../support/refusal.ts';
import { TestCa } from '../support/test-ca.ts';

const a = TestCa.create('td-a');
const key = newJwtKey();
const set = renderJwks([key]);
const jwt = (bundles: Record<string, Buffer>) => readJwtBundles({ bundles });
const x509 = (bundles: Record<string, Buffer>) => readX509Bundles({ bundles, crl: [] });

describe('a message of bundles', () => {
  it('is read by trust domain', () => {
    const two = Buffer.concat([a.der, TestCa.create('td-a').der]);
    expect(x509({ 'spiffe://td-a': two, 'spiffe://td-b': a.der }).get('td-a')).toHaveLength(2);
    expect(
      jwt({ 'spiffe://td-a': set })
        .get('td-a')
        ?.map(({ kid }) => kid),
    ).toEqual([key.kid]);
  });

  it('BUN-02: may say of a trust domain that nothing of it is trusted', () => {
    expect(x509({ 'spiffe://td-a': Buffer.alloc(0) }).get('td-a')).toEqual([]);
    expect(jwt({ 'spiffe://td-a': renderJwks([]) }).get('td-a')).toEqual([]);
  });

  it('B7: ID-19: knows no special names', () => {
    const bundles = Object.fromEntries([['spiffe://__proto__', set]]);
    expect([...jwt(bundles).keys()]).toEqual(['__proto__']);
    expect(jwt(bundles).get('constructor')).toBeUndefined();
  });

  it.each([
    ['WAPI-38: nothing', {}, 'bundles: it is empty'],
    ['CLI-06: a key with a slash', { 'spiffe://td-a/': set }, 'bundles["spiffe://td-a/"]'],
    ['CLI-06: a key with a path', { 'spiffe://td-a/x': set }, 'no trust domain ID: it has a path'],
    ['CLI-06: a bare name as key', { 'td-a': set }, 'does not begin with spiffe://'],
    ['WAPI-38: an empty set', { 'spiffe://td-a': Buffer.alloc(0) }, 'bundles["spiffe://td-a"]'],
    ['WAPI-38: bytes that are no text', { 'spiffe://td-a': Buffer.from([0xff, 0xfe]) }, 'bundles["spiffe://td-a"]'],
    [
      'WAPI-38: one bad set beside a good one',
      { 'spiffe://td-a': set, 'spiffe://td-b': Buffer.from('{}') },
      'no `keys`',
    ],
  ])('with %s is refused whole', (_, bundles, why) => {
    const failure = refusalOf(() => jwt(bundles as Record<string, Buffer>));
    expect(failure.reason).toBe('WORKLOAD_API_MESSAGE_INVALID');
    expect(failure.message).toContain(why);
  });

  it('CLI-05: with bytes that are no certificates is refused whole', () => {
    for (const der of [a.der.subarray(1), Buffer.concat([a.der, Buffer.alloc(1)]), set])
      expect(refusalOf(() => x509({ 'spiffe://td-a': der })).message).toContain('bundles["spiffe://td-a"]');
  });
});
