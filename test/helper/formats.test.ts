// SPDX-License-Identifier: Apache-2.0
/** Every kind of file, from one Workload API, by identity and with every option. */
import { execFileSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fromPem } from '../../src/x509/pem.ts';
import { FakeWorkloadApi, wireOf } from '../support/fake-workload-api.ts';
import { TestCa } from '../support/test-ca.ts';
import { HelperBench, read } from './bench.ts';

const WEB = 'spiffe://example.org/web';
const DB = 'spiffe://example.org/db';
const root = TestCa.create('example.org');
const expired = TestCa.create('example.org', { notBefore: Date.now() - 7_200_000, notAfter: Date.now() - 3_600_000 });
const middle = root.intermediate();
const zeta = TestCa.create('zeta.org');
const alpha = TestCa.create('alpha.org');
const web = middle.issue(WEB);
const db = middle.issue(DB, { keyType: 'rsa' });

let api: FakeWorkloadApi;
let bench: HelperBench;

beforeEach(async () => {
  const anchors = [root.der, expired.der];
  const svids = [wireOf(web, WEB, anchors), wireOf(db, DB, anchors, 'internal')];
  const federated_bundles = { 'spiffe://zeta.org': zeta.der, 'spiffe://alpha.org': alpha.der };
  api = await FakeWorkloadApi.start((stream) => {
    if (stream.method === 'FetchX509SVID') stream.send({ svids, crl: [], federated_bundles });
    if (stream.method === 'FetchX509Bundles')
      stream.send({ crl: [], bundles: { 'spiffe://example.org': Buffer.concat(anchors), ...federated_bundles } });
    if (stream.method === 'FetchJWTBundles') stream.end(12, 'no tokens here');
  });
  bench = new HelperBench();
});

afterEach(async () => {
  await bench.close();
  api.close();
});

async function write(outputs: string): Promise<void> {
  bench.start(`socket: ${api.uri}\noutputs:\n${outputs}`, { flags: ['--once', '--timeout', '10s'] });
  const code = await bench.ended();
  if (code !== 0) throw new Error(bench.log);
}

const certificates = (name: string): readonly Buffer[] => fromPem(read(bench.path(name)) ?? '', 'CERTIFICATE');

describe('an X.509 output', () => {
  it('in PEM holds the chain, the key as PKCS#8 and the anchors of its own trust domain', async () => {
    await write(`  - { name: a, folder: ${bench.out}, x509: { cert: c, key: k, bundle: b } }`);
    expect(certificates('c')).toEqual(web.chain);
    expect(fromPem(read(bench.path('k')) ?? '', 'PRIVATE KEY')).toEqual([web.pkcs8]);
    expect(certificates('b')).toEqual([root.der, expired.der]);
  });

  it('in one file holds the chain and then the key', async () => {
    await write(`  - { name: a, folder: ${bench.out}, x509: { combined: all.pem } }`);
    const text = read(bench.path('all.pem')) ?? '';
    expect(text.match(/-----BEGIN [A-Z ]+-----/g)).toEqual([
      '-----BEGIN CERTIFICATE-----',
      '-----BEGIN CERTIFICATE-----',
      '-----BEGIN PRIVATE KEY-----',
    ]);
    expect(statSync(bench.path('all.pem')).mode & 0o777).toBe(0o600);
    expect(new X509Certificate(text).checkPrivateKey(createPrivateKey(text))).toBe(true);
  });

  it('in DER holds the leaf, and the key', async () => {
    await write(`  - { name: a, folder: ${bench.out}, hint: internal, x509: { cert_der: c.der, key_der: k.der } }`);
    expect(readFileSync(bench.path('c.der'))).toEqual(db.der);
    expect(readFileSync(bench.path('k.der'))).toEqual(db.pkcs8);
  });

  it('in PKCS#12 opens with the password of a file', async () => {
    const password = join(bench.folder, 'password');
    writeFileSync(password, 'geheim\n', { mode: 0o600 });
    const files = `pkcs12: k.p12, pkcs12_bundle: t.p12, password_file: ${password}`;
    await write(`  - { name: a, folder: ${bench.out}, x509: { ${files} } }`);
    const open = (name: string): string =>
      execFileSync('openssl', ['pkcs12', '-in', bench.path(name), '-passin', 'pass:geheim', '-nodes'], {
        encoding: 'utf8',
      });
    expect(open('k.p12').match(/BEGIN [A-Z ]+/g)).toEqual([
      'BEGIN CERTIFICATE',
      'BEGIN CERTIFICATE',
      'BEGIN PRIVATE KEY',
    ]);
    expect(open('t.p12').match(/BEGIN [A-Z ]+/g)).toHaveLength(2);
    expect([statSync(bench.path('k.p12')).mode & 0o777, statSync(bench.path('t.p12')).mode & 0o777]).toEqual([
      0o600, 0o644,
    ]);
  });

  it('I10: a password that others can read is refused, and said to be', async () => {
    const password = join(bench.folder, 'password');
    writeFileSync(password, 'geheim\n', { mode: 0o644 });
    const outputs = `  - { name: a, folder: ${bench.out}, x509: { pkcs12: k.p12, password_file: ${password} } }`;
    await expect(write(outputs)).rejects.toThrow('others can read the secret in it');
    expect(bench.log).not.toContain('geheim');
  });

  it('is of the identity with the ID or the hint, several side by side', async () => {
    await write(`
  - { name: a, folder: ${bench.out}, spiffe_id: ${DB}, x509: { cert: by-id, key: id.key } }
  - { name: b, folder: ${bench.out}, hint: internal, x509: { cert: by-hint, key: hint.key } }
  - { name: c, folder: ${bench.out}, x509: { cert: default, key: default.key } }`);
    expect([certificates('by-id')[0], certificates('by-hint')[0], certificates('default')[0]]).toEqual([
      db.der,
      db.der,
      web.der,
    ]);
  });

  it('may have intermediates, other trust domains and nothing that has ended in its bundle', async () => {
    const options = 'intermediates_in_bundle: true, federated_bundles: true, omit_expired: true';
    await write(`  - { name: a, folder: ${bench.out}, x509: { cert: c, key: k, bundle: b, ${options} } }`);
    expect(certificates('c')).toEqual([web.der]);
    expect(certificates('b')).toEqual([root.der, middle.der, alpha.der, zeta.der]);
  });

  it('has the modes that were configured, and no others', async () => {
    await write(`  - { name: a, folder: ${bench.out}, cert_mode: 0640, key_mode: 0440, x509: { cert: c, key: k } }`);
    expect([statSync(bench.path('c')).mode & 0o7777, statSync(bench.path('k')).mode & 0o7777]).toEqual([0o640, 0o440]);
  });
});

describe('a SPIFFE bundle', () => {
  it('is a document of the trust domain, also where there are no tokens', async () => {
    await write(`  - { name: a, folder: ${bench.out}, trust_domain: zeta.org, spiffe_bundle: zeta.json }`);
    const document = JSON.parse(read(bench.path('zeta.json')) ?? '');
    expect(document).toEqual({
      keys: [expect.objectContaining({ use: 'x509-svid', x5c: [zeta.der.toString('base64')] })],
    });
  });

  it('of a trust domain that this process is not given is missing, and said to be', async () => {
    const outputs = `  - { name: a, folder: ${bench.out}, trust_domain: other.org, spiffe_bundle: other.json }`;
    await expect(write(outputs)).rejects.toThrow('the daemon gives this process no bundle of other.org');
  });
});
