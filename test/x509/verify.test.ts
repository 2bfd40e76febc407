// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import type { TrustDomain } from '../../src/identity/trust-domain.ts';
import type { Failure } from '../../src/lib/failure.ts';
import { CHAIN_MAX, verifySvidChain } from '../../src/x509/verify.ts';
import { octets, sequence, tlv } from '../support/der.ts';
import { refusalOf } from '../support/refusal.ts';
import { Ca, ecPair, extension, nameOf, type Shape } from './pki.ts';
import { HOUR, NOW } from './signer.ts';

const root = Ca.root();
const ID = 'spiffe://td/a';

const verify = (chain: Buffer[], anchors: Buffer[] = [root.der], now = NOW): string =>
  verifySvidChain(chain, () => anchors, now).spiffeId.toString();
const refusal = (chain: Buffer[], anchors: Buffer[] = [root.der], now = NOW): Failure => {
  const failure = refusalOf(() => verify(chain, anchors, now));
  expect(failure).toMatchObject({ kind: 'permission-denied', reason: 'X509_SVID_INVALID' });
  return failure;
};
const refusedLeaf = (shape: Shape): string => refusal([root.leaf(ID, shape)]).message;

describe('a leaf', () => {
  it('signed by an anchor of its trust domain is who it says', () => {
    const { leaf, spiffeId } = verifySvidChain([root.leaf(ID)], () => [root.der], NOW);
    expect(spiffeId.toString()).toBe(ID);
    expect(leaf.uriSans).toEqual([ID]);
  });

  it('X509-17: is vouched for by its own trust domain alone, though the other is trusted too', () => {
    const other = Ca.root({ subject: nameOf('other') });
    const bundles = new Map([
      ['td-a', [root.der]],
      ['td-b', [other.der]],
    ]);
    const asked: string[] = [];
    const anchorsOf = ({ name }: TrustDomain): Buffer[] | undefined => {
      asked.push(name);
      return bundles.get(name);
    };
    const impostor = root.leaf('spiffe://td-b/admin');
    expect(refusalOf(() => verifySvidChain([impostor], anchorsOf, NOW)).reason).toBe('X509_SVID_INVALID');
    expect(refusalOf(() => verifySvidChain([impostor, root.der], anchorsOf, NOW)).reason).toBe('X509_SVID_INVALID');
    expect(asked).toEqual(['td-b', 'td-b']);
    expect(verifySvidChain([root.leaf('spiffe://td-a/admin')], anchorsOf, NOW).spiffeId.toString()).toBe(
      'spiffe://td-a/admin',
    );
  });

  it('X509-18: is no CA', () => {
    expect(refusedLeaf({ isCa: true })).toContain('is a CA');
  });

  it('X509-19: may not sign certificates, nor CRLs', () => {
    expect(refusedLeaf({ keyUsage: 0x84 })).toContain('that of a CA');
    expect(refusedLeaf({ keyUsage: 0x82 })).toContain('that of a CA');
  });

  it('CLI-03: may sign what it says', () => {
    expect(refusedLeaf({ keyUsage: 0x20 })).toContain('lacks digitalSignature');
    expect(refusedLeaf({ keyUsage: null })).toContain('lacks digitalSignature');
    expect(verify([root.leaf(ID, { keyUsage: 0xa8 })])).toBe(ID);
  });

  it.each<[string, Shape['names'], string]>([
    [
      'two SPIFFE IDs',
      [
        [0x86, ID],
        [0x86, 'spiffe://td/b'],
      ],
      'more than one URI SAN',
    ],
    [
      'a SPIFFE ID and an https URI',
      [
        [0x86, ID],
        [0x86, 'https://td/a'],
      ],
      'more than one URI SAN',
    ],
    [
      'the same SPIFFE ID twice',
      [
        [0x86, ID],
        [0x86, ID],
      ],
      'more than one URI SAN',
    ],
    ['a DNS name alone', [[0x82, 'a.td']], 'no URI SAN'],
    ['no SAN', [], 'no URI SAN'],
  ])('X509-20: with %s is nobody', (_, names, reason) => {
    expect(refusedLeaf(names === undefined ? {} : { names })).toContain(reason);
  });

  it.each([
    'https://td/a',
    'spiffe://td',
    'spiffe://td/',
    'spiffe://TD/a',
    'spiffe://td/a/../b',
    'SPIFFE://td/a',
    'urn:td:a',
  ])('X509-21: called %s is no workload', (uri) => {
    expect(refusal([root.leaf(uri)]).message).toContain('URI SAN');
  });

  it('X509-16: is valid from its first second to its last', () => {
    const [notBefore, notAfter] = [NOW - HOUR, NOW + HOUR];
    const chain = [root.leaf(ID, { notBefore, notAfter })];
    const anchors = [Ca.root({ pair: root.pair, notBefore: NOW - 9 * HOUR, notAfter: NOW + 9 * HOUR }).der];
    expect(verify(chain, anchors, notBefore)).toBe(ID);
    expect(verify(chain, anchors, notAfter)).toBe(ID);
    expect(refusal(chain, anchors, notBefore - 1).message).toContain('not valid before');
    expect(refusal(chain, anchors, notAfter + 1).message).toContain('expired');
  });

  it('X509-16: with a critical extension that is unknown is refused, with another is not', () => {
    const unknown = (critical: boolean): Shape => ({
      extra: [extension('1.2.3.4', critical, octets(Buffer.from('x')))],
    });
    expect(refusedLeaf(unknown(true))).toContain('1.2.3.4');
    expect(verify([root.leaf(ID, unknown(false))])).toBe(ID);
  });

  it('X509-16: changed after it was signed is refused', () => {
    const leaf = root.leaf(ID);
    leaf[leaf.indexOf('spiffe://td/a') + 12] = 'b'.charCodeAt(0);
    expect(refusal([leaf]).message).toContain('its signature');
  });

  it('X509-16: that signed itself is refused, also when it is trusted', () => {
    const self = Ca.root({ isCa: false, keyUsage: 0x80, names: [[0x86, ID]] }).der;
    expect(refusal([self]).message).toBeDefined();
    expect(refusal([self], [self]).message).toContain('no CA');
  });

  it('X509-27: of a trust domain without X.509 anchors is refused', () => {
    expect(refusal([root.leaf(ID)], []).message).toContain('no X.509 bundle of spiffe://td');
    expect(refusalOf(() => verifySvidChain([root.leaf(ID)], () => undefined, NOW)).hint).toContain('federate');
  });

  it('X509-25: is vouched for by the anchors that can be read, though others cannot', () => {
    expect(verify([root.leaf(ID)], [Buffer.from('rubbish'), root.der])).toBe(ID);
    expect(refusal([root.leaf(ID)], [Buffer.from('rubbish')]).message).toContain('cannot be read');
  });

  it('X509-26: is vouched for by one certificate an anchor: what stands behind it does not count', () => {
    expect(
      refusal([root.leaf(ID)], [Buffer.concat([Ca.root({ subject: nameOf('x') }).der, root.der])]).message,
    ).toContain('cannot be read');
  });

  it('AMB-06: is vouched for by an anchor whatever that one calls itself', () => {
    const slash = Ca.root({ names: [[0x86, 'spiffe://td/']] });
    expect(verify([slash.leaf(ID)], [slash.der])).toBe(ID);
  });

  it('CLI-10: may have any extended key usage', () => {
    const purpose = extension('2.5.29.37', true, sequence(tlv(0x06, Buffer.from([0x2a, 0x03]))));
    expect(verify([root.leaf(ID, { extra: [purpose] })])).toBe(ID);
  });

  it.each(['__proto__', 'constructor', 'prototype'])('B7: of the trust domain %s is who it says', (name) => {
    const bundles = new Map([[name, [root.der]]]);
    const found = verifySvidChain([root.leaf(`spiffe://${name}/${name}`)], (td) => bundles.get(td.name), NOW);
    expect(found.spiffeId.trustDomain.name).toBe(name);
    expect(() => verifySvidChain([root.leaf('spiffe://toString/a')], (td) => bundles.get(td.name), NOW)).toThrow();
  });

  it('that is no certificate is refused', () => {
    expect(refusal([Buffer.from('rubbish')]).cause).toMatchObject({ reason: 'CERTIFICATE_INVALID' });
    expect(refusal([]).message).toContain('no certificate');
  });
});

describe('a chain', () => {
  const one = root.below({ subject: nameOf('one') });
  const two = one.below({ subject: nameOf('two') });

  it('X509-16: leads to an anchor, in whatever order its intermediates come', () => {
    const leaf = two.leaf(ID);
    expect(verify([leaf, two.der, one.der])).toBe(ID);
    expect(verify([leaf, one.der, two.der])).toBe(ID);
    expect(verify([leaf, two.der, one.der, root.der])).toBe(ID);
    expect(verify([leaf, root.der, one.der, two.der, one.der])).toBe(ID);
    expect(verify([leaf, two.der], [one.der])).toBe(ID);
  });

  it('X509-16: with a link missing leads nowhere', () => {
    expect(refusal([two.leaf(ID), two.der]).message).toContain('no CA of its trust domain');
    expect(refusal([two.leaf(ID), one.der]).message).toContain('no CA of its trust domain');
  });

  it('X509-16: to a root that it brings along but nobody trusts leads nowhere', () => {
    const other = Ca.root({ subject: nameOf('other') });
    expect(refusal([other.leaf(ID), other.der]).message).toContain('no CA of its trust domain');
  });

  it('X509-16: whose link has the right name and another key is refused', () => {
    const twin = Ca.root({ subject: root.subject });
    expect(refusal([twin.leaf(ID)]).message).toContain('no CA of its trust domain');
    expect(refusal([twin.leaf(ID, { keyIds: false })]).message).toContain('its signature');
  });

  it('X509-16: finds the right one of two anchors of one name', () => {
    const twin = Ca.root({ subject: root.subject, keyIds: false });
    expect(verify([root.leaf(ID, { keyIds: false })], [twin.der, root.der])).toBe(ID);
    expect(verify([twin.leaf(ID, { keyIds: false })], [root.der, twin.der])).toBe(ID);
  });

  it.each<[string, Shape, string]>([
    ['no CA', { isCa: false }, 'is no CA'],
    ['a CA that may not sign certificates', { keyUsage: 0x02 }, 'may not sign certificates'],
    ['a CA without key usage', { keyUsage: null }, 'may not sign certificates'],
    ['a CA without a name', { subject: sequence() }, 'has no name'],
    [
      'a CA with a critical extension that is unknown',
      { extra: [extension('1.2.3.4', true, octets(Buffer.from('x')))] },
      '1.2.3.4',
    ],
    ['a CA that is no longer valid', { notBefore: NOW - 2 * HOUR, notAfter: NOW - HOUR }, 'expired'],
    ['a CA that is not yet valid', { notBefore: NOW + HOUR, notAfter: NOW + 2 * HOUR }, 'not valid before'],
  ])('X509-16: over %s leads nowhere, be it an intermediate or an anchor', (_, shape, reason) => {
    const below = root.below(shape);
    expect(refusal([below.leaf(ID), below.der]).message).toContain(reason);
    const anchor = Ca.root(shape);
    expect(refusal([anchor.leaf(ID)], [anchor.der]).message).toContain(reason);
  });

  it('X509-13: has no more CAs below one than its path length allows', () => {
    const none = Ca.root({ pathLen: 0 });
    const first = none.below({ subject: nameOf('first') });
    expect(verify([none.leaf(ID)], [none.der])).toBe(ID);
    expect(refusal([first.leaf(ID), first.der], [none.der]).message).toContain('path length');
    const oneMore = Ca.root({ pathLen: 1 });
    const upper = oneMore.below({ subject: nameOf('upper') });
    const lower = upper.below({ subject: nameOf('lower') });
    expect(verify([upper.leaf(ID), upper.der], [oneMore.der])).toBe(ID);
    expect(refusal([lower.leaf(ID), lower.der, upper.der], [oneMore.der]).message).toContain('path length');
  });

  it('X509-13: does not count self-issued CAs against a path length', () => {
    const limited = root.below({ subject: nameOf('limited'), pathLen: 0 });
    const renewed = limited.below({ subject: nameOf('limited') });
    expect(verify([renewed.leaf(ID), renewed.der, limited.der])).toBe(ID);
  });

  it('CLI-10: obeys the name constraints of every CA in it', () => {
    const only = (name: string): Shape => ({
      extra: [extension('2.5.29.30', true, sequence(tlv(0xa0, sequence(tlv(0x86, Buffer.from(name))))))],
    });
    const constrained = root.below(only('td'));
    expect(verify([constrained.leaf(ID), constrained.der])).toBe(ID);
    const elsewhere = root.below(only('elsewhere'));
    expect(refusal([elsewhere.leaf(ID), elsewhere.der]).message).toContain('no CA above permits');
    const anchor = Ca.root(only('elsewhere'));
    const below = anchor.below({ subject: nameOf('unconstrained') });
    expect(refusal([below.leaf(ID), below.der], [anchor.der]).message).toContain('no CA above permits');
  });

  it('CLI-10: is free of name constraints on its self-issued CAs, though not on its leaf', () => {
    const excluded: Shape = {
      extra: [extension('2.5.29.30', true, sequence(tlv(0xa1, sequence(tlv(0x86, Buffer.from('ca'))))))],
    };
    const limited = root.below({ ...excluded, subject: nameOf('limited') });
    const renewed = limited.below({ subject: nameOf('limited'), names: [[0x86, 'spiffe://ca']] });
    expect(verify([renewed.leaf(ID), renewed.der, limited.der])).toBe(ID);
    const other = limited.below({ subject: nameOf('other'), names: [[0x86, 'spiffe://ca']] });
    expect(refusal([other.leaf(ID), other.der, limited.der]).message).toContain('excludes');
    expect(refusal([limited.leaf('spiffe://ca/a', { subject: nameOf('limited') }), limited.der]).message).toContain(
      'excludes',
    );
  });

  it('I9: of more than 8 certificates is not looked at', () => {
    const leaf = root.leaf(ID);
    expect(verify([leaf, ...Array<Buffer>(CHAIN_MAX - 1).fill(root.der)])).toBe(ID);
    expect(refusal([leaf, ...Array<Buffer>(CHAIN_MAX).fill(Buffer.from('rubbish'))]).message).toContain('more than 8');
  });

  it('I9: built to be searched for long is given up after 64 signatures', () => {
    // Seven CAs of one name and one key: each signs each, in thousands of orders, and none leads to an anchor.
    const pair = ecPair();
    const subject = nameOf('maze');
    const walls = Array.from({ length: 7 }, (_, i) => Ca.root({ pair, subject, notAfter: NOW + HOUR + i * 1000 }));
    const leaf = walls[0]!.leaf(ID);
    expect(refusal([leaf, ...walls.map(({ der }) => der)]).message).toContain('more than 64 signatures');
  });
});
