// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { JwtSvid } from '../../src/client/jwt-svid.ts';
import { CACHE_MAX, TokenCache } from '../../src/client/token-cache.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';

const svid = (expiresAt: number, kid = 'k'): JwtSvid =>
  new JwtSvid({ token: 't', spiffeId: SpiffeId.parse('spiffe://td/a'), audiences: ['a'], expiresAt, kid, hint: '' });

describe('the memory for tokens', () => {
  it('counts the life that is left when they come, of the one that ends first', () => {
    const cache = new TokenCache();
    cache.put('k', [svid(301_000), svid(601_000)], 1_000);
    expect(cache.get('k')).toMatchObject({ renewAt: 151_000, spareAt: 296_000, endsAt: 301_000 });
    cache.put('short', [svid(9_000)], 1_000);
    expect(cache.get('short')).toMatchObject({ renewAt: 5_000, spareAt: 8_000 });
  });

  it('I9: has a ceiling; what was used longest ago gives way', () => {
    const cache = new TokenCache();
    for (let at = 0; at < CACHE_MAX; at++) cache.put(`${at}`, [svid(1)], 0);
    cache.get('0');
    cache.put('one more', [svid(1)], 0);
    expect(cache.get('0')).toBeDefined();
    expect(cache.get('1')).toBeUndefined();
    expect(cache.get('2')).toBeDefined();
  });

  it('drops an answer whole when one of its tokens is not to be kept', () => {
    const cache = new TokenCache();
    cache.put('mixed', [svid(1, 'old'), svid(1, 'new')], 0);
    cache.put('new', [svid(1, 'new')], 0);
    cache.keepOnly(({ kid }) => kid === 'new');
    expect(cache.get('mixed')).toBeUndefined();
    expect(cache.get('new')).toBeDefined();
  });
});
