// SPDX-License-Identifier: Apache-2.0
/** What a real daemon hands out, read with another DER reader than the one it checks itself with. */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Daemon } from '../support/daemon.ts';
import { nodesIn, OID, one, type ReadCertificate, readCertificate } from '../support/read-certificate.ts';
import { WorkloadClient, type X509Message } from '../support/workload-client.ts';

const uid = process.getuid?.() ?? 0;
const NAMED = 'spiffe://example.org/named';
const PLAIN = 'spiffe://example.org/A.b_c-1/...';

let daemon: Daemon;
let client: WorkloadClient;
let message: X509Message;
let leaf: ReadCertificate;
let named: ReadCertificate;
let ca: ReadCertificate;

const svidOf = (id: string): X509Message['svids'][number] => {
  const svid = message.svids.find((one) => one.spiffe_id === id);
  if (!svid) throw new Error(`no SVID of ${id}`);
  return svid;
};

beforeAll(async () => {
  daemon = await Daemon.start({ config: ['log: { level: debug }'] });
  const selectors = [`unix:uid:${uid}`];
  await daemon.admin.createEntry({ spiffe_id: PLAIN, selectors });
  await daemon.admin.createEntry({ spiffe_id: NAMED, selectors, dns_names: ['a.example', 'b.example', '*.c.example'] });
  client = new WorkloadClient(daemon.workloadSocket);
  const stream = client.fetchX509Svid();
  message = await stream.at(1);
  stream.cancel();
  leaf = readCertificate(svidOf(PLAIN).x509_svid);
  named = readCertificate(svidOf(NAMED).x509_svid);
  ca = readCertificate(one(svidOf(PLAIN).bundle).whole);
});

afterAll(async () => {
  client?.close();
  await daemon?.close();
});

describe('a leaf from the socket', () => {
  it('X509-01, X509-03, CLI-03: has one URI, the ID byte for byte, with its path', () => {
    expect(leaf.uris).toEqual([PLAIN]);
    expect(named.uris).toEqual([NAMED]);
  });

  it('X509-02: carries the entry’s DNS names beside it, and the first as common name', () => {
    expect(named.dnsNames).toEqual(['a.example', 'b.example', '*.c.example']);
    expect(new X509Certificate(svidOf(NAMED).x509_svid).subject).toBe('O=Assay\nCN=a.example');
    expect(leaf.dnsNames).toEqual([]);
  });

  it('X509-04: has a subject, and so an alternative name that need not be critical', () => {
    expect(nodesIn(one(leaf.subject).content).length).toBeGreaterThan(0);
    expect(leaf.extensions.get(OID.subjectAltName)?.critical).toBe(false);
  });

  it('X509-05, X509-06: may sign, critically, and nothing else', () => {
    expect(leaf.extensions.get(OID.keyUsage)?.critical).toBe(true);
    expect(leaf.keyUsage).toEqual(['digitalSignature']);
  });

  it('X509-07: is no CA, in the shortest words', () => {
    expect(leaf.extensions.get(OID.basicConstraints)?.value.toString('hex')).toBe('3000');
  });

  it('X509-08: is for servers and clients', () => {
    expect(new X509Certificate(svidOf(PLAIN).x509_svid).keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  });

  it('X509-28: is valid already, and for no longer than its entry asks', () => {
    const { validFromDate, validToDate } = new X509Certificate(svidOf(PLAIN).x509_svid);
    expect(validFromDate.getTime()).toBeLessThan(Date.now());
    expect(validToDate.getTime() - validFromDate.getTime()).toBe(3_600_000 + 10_000);
  });

  it('X509-29: has a positive serial, and both key identifiers, none critical', () => {
    expect(leaf.serial.length).toBeLessThanOrEqual(20);
    expect(leaf.serial.readUInt8(0)).toBeLessThan(0x80);
    expect(leaf.serial.equals(named.serial)).toBe(false);
    const own = leaf.extensions.get(OID.authorityKeyId);
    const above = ca.extensions.get(OID.subjectKeyId);
    expect([own?.critical, above?.critical, leaf.extensions.get(OID.subjectKeyId)?.critical]).toEqual([
      false,
      false,
      false,
    ]);
    // [0] keyIdentifier (RFC 5280, section 4.2.1.1) against the OCTET STRING of the CA.
    expect(own && nodesIn(one(own.value).content)[0]?.content).toEqual(above && one(above.value).content);
    expect(leaf.dates.map(({ tag }) => tag)).toEqual([0x17, 0x17]);
  });

  it('WAPI-14, CLI-02: comes with the PKCS#8 key that belongs to it, and with no key of another', () => {
    for (const svid of message.svids) {
      const key = createPrivateKey({ key: svid.x509_svid_key, format: 'der', type: 'pkcs8' });
      const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
      expect(spki).toEqual(readCertificate(svid.x509_svid).spki);
      expect(one(svid.x509_svid_key).whole).toEqual(svid.x509_svid_key);
    }
    expect(leaf.spki.equals(named.spki)).toBe(false);
  });

  it('WAPI-13, CLI-04: leads to the bundle that comes with it, nothing in between', () => {
    for (const svid of message.svids) {
      const anchor = new X509Certificate(svid.bundle);
      const certificate = new X509Certificate(one(svid.x509_svid).whole);
      expect(certificate.verify(anchor.publicKey)).toBe(true);
      expect(certificate.checkIssued(anchor)).toBe(true);
    }
  });

  it('X509-15: is never the CA itself, whose key usage lets it authenticate nobody', () => {
    for (const svid of message.svids) {
      expect(readCertificate(svid.x509_svid).spki.equals(ca.spki)).toBe(false);
    }
    expect(ca.keyUsage).not.toContain('digitalSignature');
  });
});

describe('the CA in the bundle', () => {
  it('X509-05, X509-09, X509-10: is a CA, critically, that signs certificates and CRLs and nothing else', () => {
    expect(ca.extensions.get(OID.basicConstraints)).toEqual({
      critical: true,
      value: Buffer.from('30030101ff', 'hex'),
    });
    expect(ca.extensions.get(OID.keyUsage)?.critical).toBe(true);
    expect(ca.keyUsage).toEqual(['keyCertSign', 'cRLSign']);
  });

  it('X509-11, X509-12: has our trust domain as its ID, without path and slash', () => {
    expect(ca.uris).toEqual(['spiffe://example.org']);
  });

  it('X509-14: has no name constraints, nor has the leaf', () => {
    expect(ca.extensions.has(OID.nameConstraints)).toBe(false);
    expect(leaf.extensions.has(OID.nameConstraints)).toBe(false);
  });

  it('X509-23: signed itself', () => {
    const anchor = new X509Certificate(svidOf(PLAIN).bundle);
    expect(ca.issuer).toEqual(ca.subject);
    expect(anchor.verify(anchor.publicKey)).toBe(true);
  });
});

describe('a workload’s private key', () => {
  it('X509-31: is another at each issuance', async () => {
    const keys = new Set<string>();
    for (let i = 0; i < 5; i += 1) {
      const stream = client.fetchX509Svid();
      for (const svid of (await stream.at(1)).svids) keys.add(svid.x509_svid_key.toString('hex'));
      stream.cancel();
    }
    expect(keys.size).toBe(10);
  });

  it('X509-31, I10: is in no file of the daemon and in nothing it says, not at level debug either', async () => {
    const jwk = createPrivateKey({ key: svidOf(PLAIN).x509_svid_key, format: 'der', type: 'pkcs8' }).export({
      format: 'jwk',
    });
    const scalar = Buffer.from(jwk.d as string, 'base64url');
    const forms = [scalar, ...(['hex', 'base64', 'base64url'] as const).map((f) => Buffer.from(scalar.toString(f)))];
    const files = readdirSync(daemon.dataDir, { recursive: true, withFileTypes: true }).filter((f) => f.isFile());
    const held = files.map((file) => readFileSync(join(file.parentPath, file.name)));
    // The row of this very SVID is there, so the right files are looked at.
    const serial = new X509Certificate(svidOf(PLAIN).x509_svid).serialNumber.toLowerCase();
    expect(held.some((bytes) => bytes.includes(serial) || bytes.includes(Buffer.from(serial, 'hex')))).toBe(true);
    for (const bytes of [...held, Buffer.from(daemon.output)]) {
      for (const form of forms) expect(bytes.includes(form)).toBe(false);
    }
  });
});
