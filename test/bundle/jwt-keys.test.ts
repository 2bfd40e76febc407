// SPDX-License-Identifier: Apache-2.0
/** JWT keys in bundle documents, ours and those of others. */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { parseSpiffeBundle, readBundle, renderSpiffeBundle } from '../../src/bundle/document.ts';
import type { JwtKeyRecord } from '../../src/store/records.ts';
import { refusalOf } from '../support/refusal.ts';

const spki = { type: 'spki', format: 'der' } as const;
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const jwtKeys: readonly JwtKeyRecord[] = [
  { kid: 'one', publicKey: ec.publicKey.export(spki) },
  { kid: 'two', publicKey: rsa.publicKey.export(spki) },
];
const text = renderSpiffeBundle({ certificates: [], jwtKeys, sequence: 3 });
const jwk = (more: object = {}) => ({
  ...ec.publicKey.export({ format: 'jwk' }),
  use: 'jwt-svid',
  kid: 'one',
  ...more,
});
const read = (...keys: object[]) => parseSpiffeBundle(JSON.stringify({ keys }));

describe('JWT keys of a bundle document', () => {
  it('JWT-15, JWT-17, BUN-10: are written with use and kid, one key an entry, and public members alone', () => {
    const { keys } = JSON.parse(text) as { keys: Record<string, unknown>[] };
    expect(keys.map((one) => [one['use'], one['kid']])).toEqual([
      ['jwt-svid', 'one'],
      ['jwt-svid', 'two'],
    ]);
    expect(keys.map((one) => Object.keys(one).sort())).toEqual([
      ['crv', 'kid', 'kty', 'use', 'x', 'y'],
      ['e', 'kid', 'kty', 'n', 'use'],
    ]);
  });

  it('are read back as they were written', () => {
    expect(readBundle('spiffe', text)).toEqual({ certificates: [], jwtKeys, sequence: 3n, refreshHintSeconds: null });
  });

  it('JWT-13: two keys of one kid refuse the document', () => {
    expect(refusalOf(() => read(jwk(), jwk())).message).toContain('keys[1].kid');
  });

  it.each([
    ['JWT-05: without a kid', { kid: undefined }],
    ['JWT-17: with its private half', { d: 'x' }],
    ['CLI-14: with a short coordinate', { x: 'AA' }],
    ['BUN-08: of another use', { use: 'JWT-SVID' }],
    ['WAPI-36: of WIT-SVIDs', { use: 'wit-svid' }],
  ])('%s is left out, and said to be', (_, more) => {
    const { jwtKeys: kept, ignored } = read(jwk(more), jwk({ kid: 'good' }));
    expect(kept.map(({ kid }) => kid)).toEqual(['good']);
    expect(ignored).toEqual([{ index: 0, reason: expect.any(String) }]);
  });
});
