// SPDX-License-Identifier: Apache-2.0
/** CLI-10: what path validation refuses here, OpenSSL refuses too, and what it lets pass, OpenSSL lets pass. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { toPem } from '../../src/x509/pem.ts';
import { verifySvidChain } from '../../src/x509/verify.ts';
import { octets, oid, sequence, tlv } from '../support/der.ts';
import { tempDir } from '../support/temp-dir.ts';
import { type Algorithm, Ca, extension, nameOf, type Shape } from './pki.ts';
import { HOUR, NOW } from './signer.ts';

const ID = 'spiffe://td/a';
const dir = tempDir('openssl');
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
if (!hasOpenssl) console.log('skipped: openssl is not installed, so it is not asked what it thinks of our chains');
const withOpenssl = hasOpenssl ? it : it.skip;

const SHA1: Algorithm = { identifier: sequence(oid('1.2.840.10045.4.1')), hash: 'sha1' };
const constrained = (tag: number, kind: number, name: string): Shape => ({
  extra: [extension('2.5.29.30', true, sequence(tlv(tag, sequence(tlv(kind, Buffer.from(name))))))],
});
const unknown: Shape = { extra: [extension('1.2.3.4', true, octets(Buffer.from('x')))] };
const past: Shape = { notBefore: NOW - 2 * HOUR, notAfter: NOW - HOUR };
const future: Shape = { notBefore: NOW + HOUR, notAfter: NOW + 2 * HOUR };
const withDns = (name: string): Shape => ({
  names: [
    [0x82, name],
    [0x86, ID],
  ],
});

/** Root, intermediate and leaf, and whether the leaf is who it says. */
const CHAINS: [string, boolean, Shape, Shape, Shape][] = [
  ['a sound chain', true, {}, {}, {}],
  ['path lengths that are kept', true, { pathLen: 1 }, { pathLen: 0 }, {}],
  ['a path length that is not kept', false, { pathLen: 0 }, {}, {}],
  ['an intermediate that is no CA', false, {}, { isCa: false }, {}],
  ['an intermediate that may not sign certificates', false, {}, { keyUsage: 0x02 }, {}],
  ['an expired leaf', false, {}, {}, past],
  ['a leaf that is not yet valid', false, {}, {}, future],
  ['an expired intermediate', false, {}, past, {}],
  ['an expired root', false, past, {}, {}],
  ['an unknown critical extension in the leaf', false, {}, {}, unknown],
  ['an unknown critical extension in the intermediate', false, {}, unknown, {}],
  ['an intermediate signed with SHA-1', false, {}, { algorithm: SHA1 }, {}],
  ['a leaf signed with SHA-1', false, {}, {}, { algorithm: SHA1 }],
  ['a URI that is permitted', true, {}, constrained(0xa0, 0x86, 'td'), {}],
  ['a URI that is not permitted', false, {}, constrained(0xa0, 0x86, 'elsewhere'), {}],
  ['a URI that is excluded', false, {}, constrained(0xa1, 0x86, 'td'), {}],
  ['a URI that is not below what is permitted', false, {}, constrained(0xa0, 0x86, '.td'), {}],
  ['a DNS name that is permitted', true, {}, constrained(0xa0, 0x82, 'example.org'), withDns('a.example.org')],
  ['a DNS name that is not permitted', false, {}, constrained(0xa0, 0x82, 'example.org'), withDns('example.com')],
  ['a DNS name that is excluded', false, {}, constrained(0xa1, 0x82, 'example.org'), withDns('a.example.org')],
];

describe('OpenSSL and path validation here', () => {
  withOpenssl.each(CHAINS)('CLI-10: think the same of %s', (_, isSound, rootShape, belowShape, leafShape) => {
    const root = Ca.root(rootShape);
    const below = root.below({ subject: nameOf('below'), ...belowShape });
    const leaf = below.leaf(ID, leafShape);
    expect(isAccepted([leaf, below.der], root.der)).toBe(isSound);
    expect(isAcceptedByOpenssl([leaf, below.der], root.der)).toBe(isSound);
  });
});

function isAccepted(chain: Buffer[], anchor: Buffer): boolean {
  try {
    return verifySvidChain(chain, () => [anchor], NOW).spiffeId.toString() === ID;
  } catch (error) {
    expect(error).toMatchObject({ reason: 'X509_SVID_INVALID' });
    return false;
  }
}

function isAcceptedByOpenssl([leaf, ...intermediates]: Buffer[], anchor: Buffer): boolean {
  const files = ['-CAfile', pem('root', anchor), '-untrusted', pem('chain', ...intermediates), pem('leaf', leaf!)];
  const { status } = spawnSync('openssl', ['verify', '-auth_level', '2', '-attime', String(NOW / 1000), ...files]);
  return status === 0;
}

function pem(name: string, ...ders: Buffer[]): string {
  const path = join(dir, `${name}.pem`);
  writeFileSync(path, ders.map((der) => toPem('CERTIFICATE', der)).join(''));
  return path;
}
