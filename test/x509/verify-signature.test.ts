// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { verifySvidChain } from '../../src/x509/verify.ts';
import { integer, oid, sequence, tlv } from '../support/der.ts';
import { refusalOf } from '../support/refusal.ts';
import { type Algorithm, Ca, ecPair, type Pair } from './pki.ts';
import { NOW } from './signer.ts';

const ID = 'spiffe://td/a';
const NULL = tlv(0x05);
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ecdsa = (last: number, hash: string): Algorithm => ({
  identifier: sequence(oid(`1.2.840.10045.4.3.${last}`)),
  hash,
});
const pkcs1 = (last: number, hash: string, ...parameters: Buffer[]): Algorithm => ({
  identifier: sequence(oid(`1.2.840.113549.1.1.${last}`), ...parameters),
  hash,
});
const sha2 = (last: number): Buffer => sequence(oid(`2.16.840.1.101.3.4.2.${last}`), NULL);
const pss = (last: number, hash: string, saltLength: number, mask = last): Algorithm => ({
  identifier: sequence(
    oid('1.2.840.113549.1.1.10'),
    sequence(
      tlv(0xa0, sha2(last)),
      tlv(0xa1, sequence(oid('1.2.840.113549.1.1.8'), sha2(mask))),
      tlv(0xa2, integer(saltLength)),
    ),
  ),
  hash,
  saltLength,
});
const SHA1_ECDSA: Algorithm = { identifier: sequence(oid('1.2.840.10045.4.1')), hash: 'sha1' };

/** One chain, signed throughout as told. */
function verify(pair: Pair, algorithm: Algorithm, leafPair: Pair = ecPair()): string {
  const root = Ca.root({ pair, algorithm });
  return verifySvidChain([root.leaf(ID, { algorithm, pair: leafPair })], () => [root.der], NOW).spiffeId.toString();
}

describe('a signature', () => {
  it.each<[string, Pair, Algorithm]>([
    ['ECDSA P-256 SHA-256', ecPair(), ecdsa(2, 'sha256')],
    ['ECDSA P-384 SHA-384', ecPair('P-384'), ecdsa(3, 'sha384')],
    ['ECDSA P-521 SHA-512', ecPair('P-521'), ecdsa(4, 'sha512')],
    ['RSA SHA-256', rsa, pkcs1(11, 'sha256', NULL)],
    ['RSA SHA-384', rsa, pkcs1(12, 'sha384', NULL)],
    ['RSA SHA-512', rsa, pkcs1(13, 'sha512', NULL)],
    ['RSA SHA-256 without parameters', rsa, pkcs1(11, 'sha256')],
    ['RSA-PSS SHA-256', rsa, pss(1, 'sha256', 32)],
    ['RSA-PSS SHA-384', rsa, pss(2, 'sha384', 48)],
    ['RSA-PSS SHA-512', rsa, pss(3, 'sha512', 64)],
    ['Ed25519', generateKeyPairSync('ed25519'), { identifier: sequence(oid('1.3.101.112')), hash: null }],
  ])('X509-16: of %s is checked', (_, pair, algorithm) => {
    expect(verify(pair, algorithm)).toBe(ID);
  });

  it.each<[string, Pair, Algorithm]>([
    ['ECDSA SHA-1', ecPair(), SHA1_ECDSA],
    ['RSA SHA-1', rsa, pkcs1(5, 'sha1', NULL)],
    ['RSA MD5', rsa, pkcs1(4, 'md5', NULL)],
    ['RSA SHA-224', rsa, pkcs1(14, 'sha224', NULL)],
    ['RSA-PSS with a short salt', rsa, pss(1, 'sha256', 20)],
    ['RSA-PSS with two hashes', rsa, pss(1, 'sha256', 32, 2)],
    ['an algorithm nobody knows', ecPair(), { identifier: sequence(oid('1.2.3')), hash: 'sha256' }],
    ['ECDSA with parameters', ecPair(), { identifier: sequence(oid('1.2.840.10045.4.3.2'), NULL), hash: 'sha256' }],
  ])('CLI-10: of %s is refused by name, though it fits', (_, pair, algorithm) => {
    const failure = refusalOf(() => verify(pair, algorithm));
    expect(failure.reason).toBe('X509_SVID_INVALID');
    expect(failure.message).toContain('it is signed with');
  });

  it('CLI-10: with SHA-1 anywhere between leaf and anchor is refused', () => {
    const root = Ca.root();
    const below = root.below({ algorithm: SHA1_ECDSA });
    expect(() => verifySvidChain([below.leaf(ID), below.der], () => [root.der], NOW)).toThrow('1.2.840.10045.4.1');
  });

  it('X509-16: that names the algorithm of another kind of key is refused', () => {
    const root = Ca.root({ pair: rsa, algorithm: pkcs1(11, 'sha256', NULL) });
    const leaf = root.leaf(ID, { algorithm: { ...ecdsa(2, 'sha256') } });
    expect(() => verifySvidChain([leaf], () => [root.der], NOW)).toThrow('its signature');
  });
});

describe('a key', () => {
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 });

  it('X509-16: of RSA with 1024 bits is refused, in a CA and in a leaf', () => {
    expect(refusalOf(() => verify(short, pkcs1(11, 'sha256', NULL))).message).toContain('1024 bits');
    expect(refusalOf(() => verify(ecPair(), ecdsa(2, 'sha256'), short)).message).toContain('1024 bits');
  });

  it.each<[string, Pair]>([
    ['on a curve of another family', ecPair('secp256k1')],
    ['for agreement only', generateKeyPairSync('x25519')],
    ['of DSA', generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 })],
    ['of Ed448', generateKeyPairSync('ed448')],
  ])('X509-16: %s is refused', (_, pair) => {
    expect(refusalOf(() => verify(ecPair(), ecdsa(2, 'sha256'), pair)).message).toContain('its key is');
  });

  it('X509-16: that is no key is refused', () => {
    const root = Ca.root();
    const leaf = root.leaf(ID);
    // The point's first byte says which form it has; 0x05 is none.
    leaf[leaf.indexOf(Buffer.from('03420004', 'hex')) + 3] = 0x05;
    expect(() => verifySvidChain([leaf], () => [root.der], NOW)).toThrow('its key cannot be read');
  });
});
