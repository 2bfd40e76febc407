// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TrustDomain } from '../../src/identity/trust-domain.ts';
import { refusalOf } from '../support/refusal.ts';

describe('a trust domain', () => {
  it('CLI-06: its ID has no slash at the end', () => {
    const domain = TrustDomain.parse('example.org');
    expect([domain.name, domain.id, String(domain)]).toEqual(['example.org', 'spiffe://example.org', 'example.org']);
  });

  it('ID-02: is not empty', () => {
    expect(refusalOf(() => TrustDomain.parse('')).message).toContain('it is empty');
  });

  it('ID-05: exactly 39 of the characters 0 to 255 may stand in its name', () => {
    const all = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
    const accepted = all.filter((character) => isAccepted(`td${character}`));
    expect(accepted.join('')).toBe('-.0123456789_abcdefghijklmnopqrstuvwxyz');
  });

  it('AMB-01: upper case is refused, never folded', () => {
    const failure = refusalOf(() => TrustDomain.parse('Example.org', 'trust_domain'));
    expect(failure).toMatchObject({ kind: 'invalid-argument', reason: 'TRUST_DOMAIN_INVALID', field: 'trust_domain' });
    expect(failure.message).toContain('"Example.org"');
  });

  it('ID-07: names like addresses are names, IPv6 literals are not', () => {
    for (const name of ['10.0.0.1', '-', '_', 'a--b', 'xn--a']) expect(TrustDomain.parseOwn(name).name).toBe(name);
    expect(isAccepted('[::1]')).toBe(false);
  });

  it('ID-15: 255 bytes pass, 256 do not', () => {
    expect(TrustDomain.parse('a'.repeat(255)).name).toHaveLength(255);
    expect(refusalOf(() => TrustDomain.parse('a'.repeat(256))).message).toContain('longer than 255 bytes');
  });

  it.each(['td.', '.td', 'a..b', '.', '..'])('CLI-09: %j is a name of others but none of ours', (name) => {
    expect(TrustDomain.parse(name).name).toBe(name);
    expect(refusalOf(() => TrustDomain.parseOwn(name, 'trust_domain'))).toMatchObject({
      reason: 'TRUST_DOMAIN_INVALID',
      field: 'trust_domain',
    });
  });

  it('says to leave out the scheme where one was written', () => {
    expect(refusalOf(() => TrustDomain.parse('spiffe://td')).hint).toContain('without spiffe://');
  });

  it.each(['__proto__', 'constructor', 'prototype'])('ID-19, B7: %s is a legal name and a sound Map key', (name) => {
    const domain = TrustDomain.parseOwn(name);
    const bundles = new Map([[domain.id, 'bundle']]);
    expect(bundles.get(TrustDomain.parse(name).id)).toBe('bundle');
    expect(bundles.get(TrustDomain.parse('td').id)).toBeUndefined();
    expect(domain.equals(TrustDomain.parse(name))).toBe(true);
  });

  it('refuses what is not text, and takes any text without another kind of error', () => {
    for (const value of [undefined, null, 1, {}, ['td'], Symbol('td')]) {
      expect(refusalOf(() => TrustDomain.parse(value)).message).toContain('not text');
    }
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(isAccepted(text)).toBe(/^[a-z0-9._-]{1,255}$/.test(text) && !text.includes('\n'));
      }),
    );
  });
});

function isAccepted(name: string): boolean {
  try {
    return TrustDomain.parse(name).name === name;
  } catch {
    return false;
  }
}
