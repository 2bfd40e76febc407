// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { TrustDomain } from '../../src/identity/trust-domain.ts';
import { refusalOf } from '../support/refusal.ts';

const vectors = JSON.parse(readFileSync(new URL('../vectors/ids/spiffe-ids.json', import.meta.url), 'utf8')) as {
  accepted: [string, string][];
  refused: [string, string, string][];
};
const td = TrustDomain.parse('td');
const SEGMENT_CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-';
const segment = fc
  .string({ unit: fc.constantFrom(...SEGMENT_CHARACTERS), minLength: 1, maxLength: 40 })
  .filter((text) => text !== '.' && text !== '..');
const domainName = fc.string({ unit: fc.constantFrom(...'abcxyz019._-'), minLength: 1, maxLength: 60 });
const legalId = fc
  .tuple(domainName, fc.array(segment, { maxLength: 6 }))
  .map(([name, segments]) => `spiffe://${name}${segments.map((text) => `/${text}`).join('')}`);

describe('a SPIFFE ID', () => {
  it.each(vectors.accepted)('%s: accepts %j as it stands', (_, text) => {
    expect(SpiffeId.parse(text).toString()).toBe(text);
  });

  it.each(vectors.refused)('%s: refuses %j', (_, text, reason) => {
    const failure = refusalOf(() => SpiffeId.parse(text, '--spiffe-id'));
    expect(failure).toMatchObject({ kind: 'invalid-argument', reason: 'SPIFFE_ID_INVALID', field: '--spiffe-id' });
    expect(failure.message).toContain(reason);
    expect(failure.hint).toContain('spiffe://');
  });

  it('ID-05: exactly 39 of the characters 0 to 255 may stand in a trust domain', () => {
    const accepted = charactersAccepted((character) => `spiffe://t${character}/a`);
    expect(accepted.filter((character) => character !== '/').join('')).toBe('-.0123456789_abcdefghijklmnopqrstuvwxyz');
  });

  it('ID-08: exactly 65 of the characters 0 to 255 may stand in a segment, besides the slash', () => {
    const accepted = charactersAccepted((character) => `spiffe://td/a${character}b`);
    expect(accepted.filter((character) => character !== '/')).toHaveLength(65);
    expect(accepted.filter((character) => !SEGMENT_CHARACTERS.includes(character))).toEqual(['/']);
  });

  it('ID-12: nothing accepted changes by parsing and printing, once or twice', () => {
    fc.assert(
      fc.property(legalId, (text) => {
        const once = SpiffeId.parse(text).toString();
        expect(once).toBe(text);
        expect(SpiffeId.parse(once).toString()).toBe(text);
      }),
    );
  });

  it('ID-12: a path that does not begin with a slash cannot lengthen the trust domain', () => {
    expect(refusalOf(() => SpiffeId.of(td, '.evil/a')).message).toContain('does not begin with a slash');
    expect(SpiffeId.of(td, '/a').toString()).toBe('spiffe://td/a');
    expect(SpiffeId.of(td, '').toString()).toBe('spiffe://td');
  });

  it('ID-13: accepts exactly 2048 bytes, scheme included', () => {
    const text = `spiffe://td/${'a'.repeat(2036)}`;
    expect(text).toHaveLength(2048);
    expect(SpiffeId.parseWorkload(text).toString()).toBe(text);
  });

  it('ID-14: refuses 2049 bytes, and shows only the start of them', () => {
    const failure = refusalOf(() => SpiffeId.parse(`spiffe://td/${'a'.repeat(2037)}`));
    expect(failure.message).toContain('longer than 2048 bytes');
    expect(failure.message.length).toBeLessThan(400);
  });

  it('ID-15: a trust domain of 255 bytes passes, of 256 does not', () => {
    expect(SpiffeId.parse(`spiffe://${'a'.repeat(255)}/x`).trustDomain.name).toHaveLength(255);
    expect(refusalOf(() => SpiffeId.parse(`spiffe://${'a'.repeat(256)}/x`)).message).toContain('longer than 255');
  });

  it('ID-16: IDs that differ in case are different', () => {
    const one = SpiffeId.parse('spiffe://td/A');
    expect(one.equals(SpiffeId.parse('spiffe://td/a'))).toBe(false);
    expect(one.equals(SpiffeId.parse('spiffe://td/A'))).toBe(true);
    expect(one.equals(SpiffeId.parse('spiffe://td2/A'))).toBe(false);
  });

  it('ID-17: a trust domain ID parses and is no workload', () => {
    expect(SpiffeId.parse('spiffe://td').path).toBe('');
    expect(refusalOf(() => SpiffeId.parseWorkload('spiffe://td')).message).toContain('has no path');
  });

  it('ID-18: an ID knows which trust domain it is a member of', () => {
    const id = SpiffeId.parse('spiffe://td/a');
    expect(id.memberOf(td)).toBe(true);
    expect(id.memberOf(TrustDomain.parse('td2'))).toBe(false);
    expect(SpiffeId.parse('spiffe://td2/td').memberOf(td)).toBe(false);
  });

  it.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'])(
    'B7: %s is a segment like any other',
    (name) => {
      const id = SpiffeId.parse(`spiffe://td/${name}/${name}`);
      expect(id.path).toBe(`/${name}/${name}`);
      expect(Object.getPrototypeOf(id)).toBe(SpiffeId.prototype);
    },
  );

  it.each([undefined, null, 7, {}, ['spiffe://td/a'], new String('spiffe://td/a')])(
    'refuses %p, which is not text',
    (value) => {
      expect(refusalOf(() => SpiffeId.parse(value)).message).toContain('not text');
    },
  );

  it('accepts exactly what the grammar gives, over arbitrary text', () => {
    const grammar = /^spiffe:\/\/[a-z0-9._-]{1,255}((?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)*)$/;
    const near = fc.string({ unit: fc.constantFrom(...'aA0./-_%:@?#é\n'), maxLength: 12 });
    fc.assert(
      fc.property(fc.oneof(near, fc.string({ unit: 'binary' })), (tail) => {
        const text = `spiffe://${tail}`;
        expect(isAccepted(text)).toBe(grammar.test(text));
      }),
      { numRuns: 2000 },
    );
  });
});

function isAccepted(text: string): boolean {
  try {
    SpiffeId.parse(text);
    return true;
  } catch {
    return false;
  }
}

function charactersAccepted(build: (character: string) => string): string[] {
  const all = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
  return all.filter((character) => isAccepted(build(character)));
}
