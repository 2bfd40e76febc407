// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readNames, wantedBy } from '../../../src/api/sds/names.ts';
import { type Held, secretsOf } from '../../../src/api/sds/secrets.ts';
import { secretOf, trustDomainsOf } from '../../support/envoy-client.ts';
import { refusalOf as refusal } from '../../support/refusal.ts';
import { TestCa } from '../../support/test-ca.ts';

const NAMES = { svid: 'default', bundle: 'ROOTCA', allBundles: 'ALL' };
const own = TestCa.create('td');
const other = TestCa.create('other.example');
const svid = (spiffeId: string) => ({ spiffeId, chain: own.der, privateKey: Buffer.from(spiffeId), hint: '' });
const held: Held = {
  svids: [svid('spiffe://td/a'), svid('spiffe://td/b'), { ...svid('spiffe://td/a'), hint: 'again' }],
  own: 'spiffe://td',
  bundles: new Map([
    ['spiffe://td', own.der],
    ['spiffe://other.example', other.der],
  ]),
};
const secrets = (names: readonly string[], spiffe = true) => secretsOf(held, names, NAMES, spiffe).map(secretOf);

describe('secrets of a caller', () => {
  it('SDS-01: an empty list is everything, each under its SPIFFE ID once', () => {
    expect(secrets([]).map(({ name, type }) => [name, type])).toEqual([
      ['spiffe://td', 'validation_context'],
      ['spiffe://other.example', 'validation_context'],
      ['spiffe://td/a', 'tls_certificate'],
      ['spiffe://td/b', 'tls_certificate'],
    ]);
  });

  it.each([
    ['nope'],
    ['spiffe://td/c'],
    ['spiffe://td/'],
    ['spiffe://td/a/'],
    ['SPIFFE://td/a'],
    ['spiffe://stranger.example'],
    ['spiffe://'],
    ['td'],
    ['Default'],
    [''],
    ['__proto__'],
    ['constructor'],
  ])('SDS-03: %j is nothing of the caller’s, and the whole response fails', (name) => {
    const refused = refusal(() => secrets(['default', name].sort()));
    expect([refused.kind, refused.reason, refused.message]).toEqual([
      'invalid-argument',
      'SECRET_UNKNOWN',
      `resource_names: the caller has no ${JSON.stringify(name)}`,
    ]);
  });

  it('SDS-03: lists those names sorted, and no more than fit into a status', () => {
    expect(refusal(() => secrets(readNames(['z', 'default', 'a', 'z']))).message).toMatch(/no "a", "z"$/);
    const many = Array.from({ length: 40 }, (_, i) => `n${i}`.padEnd(2_000, 'x'));
    const { message } = refusal(() => secrets(readNames(many)));
    expect(message).toMatch(/ and 24 more$/);
    expect(message.length).toBeLessThan(4_096);
  });

  it('SDS-03: gives under any names what is held, or nothing at all', () => {
    const mine = [
      'default',
      'ROOTCA',
      'ALL',
      'spiffe://td',
      'spiffe://other.example',
      'spiffe://td/a',
      'spiffe://td/b',
    ];
    const name = fc.oneof(
      fc.constantFrom(...mine),
      fc.string(),
      fc.webPath().map((path) => `spiffe://td${path}`),
    );
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 6 }), (asked) => {
        const names = readNames(asked);
        if (names.every((one) => mine.includes(one))) expect(secrets(names).map((one) => one.name)).toEqual(names);
        else expect(refusal(() => secrets(names)).reason).toBe('SECRET_UNKNOWN');
      }),
    );
  });

  it('SDS-06: ALL without the SPIFFE validator is INTERNAL', () => {
    const refused = refusal(() => secrets(['ALL'], false));
    expect([refused.kind, refused.reason]).toEqual(['internal', 'VALIDATOR_NEEDED']);
  });

  it('SDS-07: ALL lists trust domains sorted, and bare', () => {
    expect(trustDomainsOf(secrets(['ALL'])[0]).map(([name]) => name)).toEqual(['other.example', 'td']);
  });

  it('SDS-18: aliases and IDs may be asked for together', () => {
    const names = readNames(['ROOTCA', 'spiffe://td', 'ALL', 'default', 'spiffe://td/a']);
    expect(secrets(names).map(({ name }) => name)).toEqual(names);
  });
});

describe('what has to be issued for names', () => {
  it.each([
    [[], undefined],
    [['ROOTCA', 'ALL', 'spiffe://td'], 'none'],
    [['default'], { first: true, spiffeIds: new Set() }],
    [['ALL', 'spiffe://td/a'], { first: false, spiffeIds: new Set(['spiffe://td/a']) }],
    [['default', 'nope'], { first: true, spiffeIds: new Set(['nope']) }],
  ])('%j', (names, wanted) => {
    expect(wantedBy(names, NAMES)).toEqual(wanted);
  });
});
