// SPDX-License-Identifier: Apache-2.0
/** WIT keys in bundle documents and sets: ours written, each kind told from the others. */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { parseSpiffeBundle, renderSpiffeBundle } from '../../src/bundle/document.ts';
import { publishedBundle } from '../../src/bundle/published.ts';
import { TrustDomain } from '../../src/identity/trust-domain.ts';
import { parseJwks, renderJwks } from '../../src/jwt/key.ts';
import type { JwtKeyRecord } from '../../src/store/records.ts';
import { newJwtKey } from '../support/jwt-keys.ts';
import { refusalOf } from '../support/refusal.ts';
import { TestCa } from '../support/test-ca.ts';

const newKey = (kid: string): JwtKeyRecord => ({
  kid,
  publicKey: generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'der' }),
});
const jwtKeys = [newKey('j1'), newKey('j2')];
const witKeys = [newKey('w1')];
const ca = TestCa.create('example.org');

type Written = { readonly keys: readonly Record<string, unknown>[] };

describe('WIT keys of a bundle document', () => {
  it('WIT-16, BUN-10: are written with use and kid, and public members alone', () => {
    const { keys } = JSON.parse(renderSpiffeBundle({ certificates: [ca.der], jwtKeys, witKeys })) as Written;
    expect(keys.map(({ use, kid }) => [use, kid])).toEqual([
      ['x509-svid', undefined],
      ['jwt-svid', 'j1'],
      ['jwt-svid', 'j2'],
      ['wit-svid', 'w1'],
    ]);
    expect(Object.keys(keys[3] as object).sort()).toEqual(['crv', 'kid', 'kty', 'use', 'x', 'y']);
  });

  it('WIT-16: WIT-18: with the kid of a JWT key, or of each other, are not published', () => {
    const shared = [{ ...newKey('j1') }];
    const failure = refusalOf(() => renderSpiffeBundle({ certificates: [], jwtKeys, witKeys: shared }));
    expect(failure.reason).toBe('JWKS_UNPUBLISHABLE');
    const twice = [...witKeys, newKey('w1')];
    expect(refusalOf(() => renderSpiffeBundle({ certificates: [], jwtKeys, witKeys: twice })).reason).toBe(
      'JWKS_UNPUBLISHABLE',
    );
  });

  it('WIT-16: differ from a kid in another case', () => {
    expect(renderSpiffeBundle({ certificates: [], jwtKeys, witKeys: [newKey('J1')] })).toContain('"J1"');
  });

  it('WAPI-36: of others are left out, and neither JWT keys nor anchors', () => {
    const read = parseSpiffeBundle(renderSpiffeBundle({ certificates: [ca.der], jwtKeys, witKeys }));
    expect(read.jwtKeys.map(({ kid }) => kid)).toEqual(['j1', 'j2']);
    expect(read.certificates).toEqual([ca.der]);
    expect(read.ignored).toEqual([{ index: 3, reason: 'wit-svid keys are not used here' }]);
  });

  it('AMB-04: are part of our bundle only where they are for outside, and then its hint minds theirs', () => {
    const x509 = {
      refreshHintSeconds: 300,
      bundle: () => ({ trustDomain: TrustDomain.parse('example.org'), certificates: [ca.der] }),
    };
    const part = (keys: readonly JwtKeyRecord[], refreshHintSeconds: number) => ({
      refreshHintSeconds,
      keys: () => keys,
    });
    const store = { ownBundleSequence: () => 7 };
    expect(publishedBundle(x509, part(jwtKeys, 200), part(witKeys, 100), store)).toMatchObject({
      jwtKeys,
      witKeys,
      refreshHintSeconds: 100,
    });
    expect(publishedBundle(x509, part(jwtKeys, 200), undefined, store)).toMatchObject({
      witKeys: [],
      refreshHintSeconds: 200,
    });
  });
});

describe('a set of WIT keys', () => {
  const wit = newJwtKey('ES256', 'w');
  const set = renderJwks([wit], 'wit-svid').toString();

  it('WAPI-32: names its use, and is read back by that', () => {
    expect((JSON.parse(set) as Written).keys[0]).toMatchObject({ use: 'wit-svid', kid: 'w' });
    expect(parseJwks(set, 'set', 'wit-svid').keys.map(({ kid }) => kid)).toEqual(['w']);
  });

  it.each([
    ['of JWT-SVIDs', 'jwt-svid'],
    ['of X509-SVIDs', 'x509-svid'],
    ['without a use', undefined],
    ['of stock JWTs', 'sig'],
    ['in upper case', 'WIT-SVID'],
  ])('WIT-17, WAPI-36: has no key %s', (_, use) => {
    const { keys } = JSON.parse(set) as Written;
    const other = JSON.stringify({ keys: [{ ...keys[0], use }] });
    expect(parseJwks(other, 'set', 'wit-svid').keys).toEqual([]);
  });

  it('WAPI-36: verifies no JWT-SVID: none of its keys is read as one', () => {
    expect(parseJwks(set, 'set').keys).toEqual([]);
  });

  it('WAPI-36: an anchor of X509-SVIDs in it vouches for nothing', () => {
    const document = renderSpiffeBundle({ certificates: [ca.der], jwtKeys: [] });
    expect(parseJwks(document, 'set', 'wit-svid').keys).toEqual([]);
  });

  it('WAPI-32, CLI-13: with one kid twice, or a key without one, is not rendered', () => {
    for (const keys of [[wit, wit], [{ ...wit, kid: '' }]])
      expect(refusalOf(() => renderJwks(keys, 'wit-svid')).reason).toBe('JWKS_UNPUBLISHABLE');
  });
});
