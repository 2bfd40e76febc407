// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { TrustDomain } from '../../src/identity/trust-domain.ts';
import { Failure } from '../../src/lib/failure.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { buildSelfSignedCa, signerOf } from '../../src/x509/ca.ts';
import { buildCrl } from '../../src/x509/crl.ts';
import { CRL_MAX_BYTES, parseCrl, verifyCrl } from '../../src/x509/crl-parse.ts';
import { toPem } from '../../src/x509/pem.ts';
import type { KeyType, Signer, SigningKey } from '../../src/x509/types.ts';
import { bits, bool, integer, octets, oid, sequence, time, tlv } from '../support/der.ts';
import { tempDir } from '../support/temp-dir.ts';
import { type Issued, KU, pem, TestCa } from '../support/test-ca.ts';
import { listening, portOf, presenting } from '../support/tls-parties.ts';

const dir = tempDir('crl');
const NOW = Date.UTC(2030, 0, 1);
const HOUR = 3_600_000;
const TD = TrustDomain.parse('example.org', 'td');
const refusal = expect.objectContaining({ reason: 'CRL_INVALID' });

function keyOf(type: KeyType): SigningKey {
  const { privateKey, publicKey } = type.startsWith('rsa')
    ? generateKeyPairSync('rsa', { modulusLength: 2048 })
    : generateKeyPairSync('ec', { namedCurve: type === 'ec-p384' ? 'P-384' : 'P-256' });
  return { type, publicKey, sign: (tbs) => sign(type === 'ec-p384' ? 'sha384' : 'sha256', tbs, privateKey) };
}

async function authority(type: KeyType = 'ec-p256'): Promise<Signer> {
  const key = keyOf(type);
  const life = { notBefore: NOW - HOUR, notAfter: NOW + 24 * HOUR };
  return signerOf(await buildSelfSignedCa({ trustDomain: TD, key, ...life, random: systemRandom }), key);
}

const REVOKED = [
  { serial: '00ff', revokedAt: NOW - 1_500 },
  { serial: 'ff00112233445566778899aabbccddee', revokedAt: NOW },
  { serial: '01', revokedAt: NOW },
];
let signer: Signer;
let crl: Buffer;
beforeAll(async () => {
  signer = await authority();
  crl = await buildCrl({ signer, number: 7n, thisUpdate: NOW, nextUpdate: NOW + HOUR, revoked: REVOKED });
});

describe('a revocation list', () => {
  it.each(['ec-p256', 'ec-p384', 'rsa-2048'] as const)(
    'WAPI-39: of a %s authority is read back and verifies',
    async (type) => {
      const own = await authority(type);
      const der = await buildCrl({
        signer: own,
        number: 2n ** 63n,
        thisUpdate: NOW + 999,
        nextUpdate: NOW + HOUR,
        revoked: REVOKED,
      });
      const parsed = parseCrl(der);
      verifyCrl(parsed, own.certificateDer);
      expect(parsed).toMatchObject({ number: 2n ** 63n, thisUpdate: NOW, nextUpdate: NOW + HOUR });
      expect([...parsed.revoked]).toEqual([
        ['ff', NOW - 2_000],
        ['ff00112233445566778899aabbccddee', NOW],
        ['01', NOW],
      ]);
    },
  );

  it('WAPI-39: without a serial has no list, and 20,000 fit', async () => {
    const own = { signer, number: 1n, thisUpdate: NOW, nextUpdate: NOW + HOUR };
    expect(parseCrl(await buildCrl({ ...own, revoked: [] })).revoked.size).toBe(0);
    const many = Array.from({ length: 20_000 }, () => ({ serial: randomBytes(16).toString('hex'), revokedAt: NOW }));
    const der = await buildCrl({ ...own, revoked: many });
    expect(parseCrl(der).revoked.size).toBe(20_000);
    verifyCrl(parseCrl(der), signer.certificateDer);
  });

  it('is what openssl reads and verifies', () => {
    const ca = join(dir, 'ca.pem');
    writeFileSync(join(dir, 'crl.der'), crl);
    writeFileSync(ca, toPem('CERTIFICATE', signer.certificateDer));
    const args = ['crl', '-inform', 'DER', '-in', join(dir, 'crl.der'), '-noout', '-text', '-CAfile', ca];
    const { stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
    // It ends with 0 in any case; the verdict is text alone.
    expect(stderr).toBe('verify OK\n');
    expect(stdout).toContain('Version 2');
    expect(stdout).toMatch(/X509v3 CRL Number: *\n +7\n/);
    expect(stdout.match(/Serial Number: (\w+)/g)).toEqual([
      'Serial Number: FF',
      'Serial Number: FF00112233445566778899AABBCCDDEE',
      'Serial Number: 01',
    ]);
  });

  it.each(['ec', 'rsa'] as const)(
    'of a %s authority makes openssl refuse who is on it, and nobody else',
    async (type) => {
      const { ca, gone, free, list } = await revocationOf(type);
      const [anchor, crlFile] = [join(dir, 'anchor.pem'), join(dir, 'crl.pem')];
      writeFileSync(anchor, pem(ca.der));
      writeFileSync(crlFile, toPem('X509 CRL', list));
      const verdict = ({ der }: Issued): string => {
        writeFileSync(join(dir, 'leaf.pem'), pem(der));
        const args = ['verify', '-crl_check', '-CAfile', anchor, '-CRLfile', crlFile, join(dir, 'leaf.pem')];
        const { status, stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
        return `${status}: ${stdout}${stderr}`;
      };
      expect(verdict(gone)).toMatch(/^2: .*certificate revoked/s);
      expect(verdict(free)).toMatch(/^0: .*leaf.pem: OK\n$/s);
    },
  );

  it('makes Node refuse who is on it, and nobody else', async () => {
    const { ca, gone, free, list } = await revocationOf('ec');
    const us = presenting(ca.issue('spiffe://example.org/server'));
    const rules = { requestCert: true, rejectUnauthorized: false, ca: pem(ca.der), crl: toPem('X509 CRL', list) };
    const server = await listening(createServer({ ...us, ...rules }));
    const verdict = async (who: Issued): Promise<unknown> => {
      const seen = once(server, 'secureConnection') as Promise<[TLSSocket]>;
      const client = connect({
        port: portOf(server),
        host: '127.0.0.1',
        rejectUnauthorized: false,
        ...presenting(who),
      });
      client.on('error', () => undefined);
      const [socket] = await seen;
      const error = socket.authorized ? 'authorized' : socket.authorizationError;
      client.destroy();
      socket.destroy();
      return error;
    };
    expect([await verdict(gone), await verdict(free)]).toEqual(['CERT_REVOKED', 'authorized']);
    server.close();
  });
});

async function revocationOf(keyType: 'ec' | 'rsa') {
  const ca = TestCa.create('example.org', { keyType });
  const [gone, free] = [ca.issue('spiffe://example.org/gone'), ca.issue('spiffe://example.org/free')];
  const own = { subjectDer: ca.subject, ski: ca.ski, keyType: keyType === 'ec' ? 'ec-p256' : 'rsa-2048' } as const;
  const times = { thisUpdate: Date.now() - 10_000, nextUpdate: Date.now() + HOUR };
  const revoked = [{ serial: gone.serial, revokedAt: Date.now() }];
  const list = await buildCrl({ signer: { ...own, sign: (tbs) => ca.sign(tbs) }, number: 1n, ...times, revoked });
  return { ca, gone, free, list };
}

describe('a revocation list is refused', () => {
  it('WAPI-39: under another authority, also one of the same name', async () => {
    const other = await authority();
    expect(() => verifyCrl(parseCrl(crl), other.certificateDer)).toThrow(refusal);
    const [a, b] = [TestCa.create('example.org', { subject: 'one' }), TestCa.create('example.org', { subject: 'one' })];
    const forged = parseCrl(await listOf(a, b));
    expect(() => verifyCrl(forged, a.der)).toThrow(/its signature is not that of the authority/);
    const others = parseCrl(await listOf(b, b));
    expect(() => verifyCrl(others, a.der)).toThrow(/does not name this authority/);
    verifyCrl(parseCrl(await listOf(a, a)), a.der);
  });

  it('WAPI-39: of an authority that may not sign one', () => {
    const ca = TestCa.create('example.org', { keyUsage: KU.keyCertSign });
    expect(() => verifyCrl(parseCrl(handmade(ca, {})), ca.der)).toThrow(/may not sign revocation lists/);
  });

  it('I9: where it is larger than a message', () => {
    expect(() => parseCrl(Buffer.alloc(CRL_MAX_BYTES + 1))).toThrow(/larger than/);
  });

  it.each([
    ['of version 1', { version: Buffer.alloc(0) }],
    ['of version 3', { version: integer(Buffer.of(2)) }],
    ['a delta', { extensions: [ext('2.5.29.27', true, integer(Buffer.of(1)))] }],
    ['a delta that is not marked critical', { extensions: [ext('2.5.29.27', false, integer(Buffer.of(1)))] }],
    ['a partition that is not marked critical', { extensions: [ext('2.5.29.28', false, sequence())] }],
    ['one that speaks for others', { extensions: [ext('2.5.29.28', true, sequence())] }],
    ['without a number', { number: null }],
    ['with two numbers', { extensions: [ext('2.5.29.20', false, integer(Buffer.of(9)))] }],
    ['that does not say whose key it is', { aki: null }],
    ['whose next update is not after this one', { nextUpdate: NOW }],
    ['with two signature algorithms', { outerAlgorithm: sequence(oid('1.2.840.10045.4.3.3')) }],
    ['with an empty list of serials', { revoked: [] }],
    ['with a serial that is negative', { revoked: [sequence(tlv(0x02, Buffer.of(0x80)), time(NOW))] }],
    [
      'with an entry of another issuer',
      { revoked: [sequence(integer(Buffer.of(1)), time(NOW), sequence(ext('2.5.29.29', true, sequence())))] },
    ],
    ['with more behind it', { tail: Buffer.of(0) }],
  ] as const)('WAPI-39: %s', (_, change) => {
    const ca = TestCa.create('example.org');
    expect(() => verifyCrl(parseCrl(handmade(ca, change)), ca.der)).toThrow(refusal);
    verifyCrl(parseCrl(handmade(ca, {})), ca.der);
  });

  it('WAPI-39: with a critical extension of an entry that is known to nobody, and read with one that is not critical', () => {
    const ca = TestCa.create('example.org');
    const entry = (isCritical: boolean): Buffer =>
      sequence(integer(Buffer.of(1)), time(NOW), sequence(ext('2.5.29.21', isCritical, tlv(0x0a, Buffer.of(1)))));
    expect(parseCrl(handmade(ca, { revoked: [entry(false)] })).revoked.size).toBe(1);
    expect(() => parseCrl(handmade(ca, { revoked: [entry(true)] }))).toThrow(/extension 2.5.29.21 of an entry/);
  });

  it('WAPI-39: after any change of one byte, with no other error than its own', () => {
    for (const [at, byte] of crl.entries())
      for (const other of [byte ^ 1, byte ^ 0x80, 0, 0xff]) {
        if (other === byte) continue;
        const changed = Buffer.from(crl);
        changed[at] = other;
        try {
          verifyCrl(parseCrl(changed), signer.certificateDer);
          throw new Error(`byte ${at} as ${other} was taken`);
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
        }
      }
  });

  it('WAPI-39: cut short anywhere', () => {
    for (let end = 0; end < crl.length; end += 1) expect(() => parseCrl(crl.subarray(0, end))).toThrow(refusal);
  });
});

interface Change {
  readonly version?: Buffer;
  readonly outerAlgorithm?: Buffer;
  readonly nextUpdate?: number;
  readonly revoked?: readonly Buffer[];
  readonly extensions?: readonly Buffer[];
  readonly number?: null;
  readonly aki?: null;
  readonly tail?: Buffer;
}

function ext(id: string, isCritical: boolean, value: Buffer): Buffer {
  return sequence(oid(id), ...(isCritical ? [bool(true)] : []), octets(value));
}

/** Written with the test's own DER. */
function handmade(ca: TestCa, change: Change): Buffer {
  const algorithm = sequence(oid('1.2.840.10045.4.3.2'));
  const { revoked, extensions = [] } = change;
  const tbs = sequence(
    change.version ?? integer(Buffer.of(1)),
    algorithm,
    ca.subject,
    time(NOW),
    time(change.nextUpdate ?? NOW + HOUR),
    ...(revoked === undefined ? [] : [sequence(...revoked)]),
    tlv(
      0xa0,
      sequence(
        ...(change.aki === null ? [] : [ext('2.5.29.35', false, sequence(tlv(0x80, ca.ski)))]),
        ...(change.number === null ? [] : [ext('2.5.29.20', false, integer(Buffer.of(7)))]),
        ...extensions,
      ),
    ),
  );
  const outer = change.outerAlgorithm ?? algorithm;
  return Buffer.concat([sequence(tbs, outer, bits(ca.sign(tbs))), change.tail ?? Buffer.alloc(0)]);
}

/** Names `named`, signed by `by`. */
function listOf(named: TestCa, by: TestCa): Promise<Buffer> {
  const whole = {
    subjectDer: named.subject,
    ski: named.ski,
    keyType: 'ec-p256',
    sign: (tbs: Buffer) => by.sign(tbs),
  } as const;
  return buildCrl({ signer: whole, number: 1n, thisUpdate: NOW, nextUpdate: NOW + HOUR, revoked: [] });
}
