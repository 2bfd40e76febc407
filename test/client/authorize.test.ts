// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import {
  type Authorizer,
  authorizeAny,
  authorizeId,
  authorizeMemberOf,
  requireAuthorizer,
} from '../../src/client/authorize.ts';
import type { Peer } from '../../src/client/peer.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { TrustDomain } from '../../src/identity/trust-domain.ts';

const peer = (id: string): Peer => ({ spiffeId: SpiffeId.parse(id), serial: '01', notAfter: 0, chain: [] });

describe('authorizeId', () => {
  it('admits these IDs, byte for byte, and no other', () => {
    const admits = authorizeId('spiffe://td/a', SpiffeId.parse('spiffe://td/b'));
    expect(['a', 'b', 'A', 'a/b'].map((path) => admits(peer(`spiffe://td/${path}`)))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(admits(peer('spiffe://td2/a'))).toBe(false);
    expect(admits.wants).toBe('spiffe://td/a or spiffe://td/b');
  });

  it.each(['spiffe://td', 'spiffe://td/', 'td/a', '', 'spiffe://TD/a'])(
    'refuses %j, which no workload can have',
    (id) => {
      expect(() => authorizeId(id)).toThrow(/authorizeId/);
    },
  );

  it('refuses to be made of nothing', () => {
    expect(() => (authorizeId as (...ids: string[]) => Authorizer)()).toThrow('at least one SPIFFE ID');
  });
});

describe('authorizeMemberOf', () => {
  it('admits members of these trust domains and of no others, whatever they look like', () => {
    const admits = authorizeMemberOf('td', TrustDomain.parse('__proto__'));
    expect(admits(peer('spiffe://td/a'))).toBe(true);
    expect(admits(peer('spiffe://__proto__/a'))).toBe(true);
    for (const id of ['spiffe://td2/a', 'spiffe://a.td/td', 'spiffe://constructor/a'])
      expect(admits(peer(id))).toBe(false);
  });

  it('refuses an ID where a name belongs, and nothing', () => {
    expect(() => authorizeMemberOf('spiffe://td')).toThrow(/authorizeMemberOf/);
    expect(() => (authorizeMemberOf as (...names: string[]) => Authorizer)()).toThrow('at least one trust domain');
  });
});

describe('the choice', () => {
  it('may be everyone, when said so', () => {
    expect(authorizeAny()(peer('spiffe://td/a'))).toBe(true);
  });

  it('cannot be left out', () => {
    expect(() => requireAuthorizer(undefined as unknown as Authorizer)).toThrow(
      'nobody said who may be at the other end',
    );
  });
});
