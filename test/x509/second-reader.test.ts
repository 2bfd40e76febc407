// SPDX-License-Identifier: Apache-2.0
/** Our certificates in the hands of others: OpenSSL's command line, and TLS both ways. */
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { describe, expect, it } from '@jest/globals';
import { systemRandom } from '../../src/lib/random.ts';
import { toPem } from '../../src/x509/pem.ts';
import type { KeyType, MintedLeaf, Signer } from '../../src/x509/types.ts';
import { tempDir } from '../support/temp-dir.ts';
import { HOUR, newKey, newSigner, template } from './signer.ts';

const dir = tempDir('x509');
const now = Date.now();
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
if (!hasOpenssl) console.log('skipped: openssl is not installed, so certificates are not read back by it');
const withOpenssl = hasOpenssl ? it : it.skip;

const newPair = async (caType: KeyType, keyType: KeyType): Promise<[Signer, MintedLeaf]> => {
  const signer = await newSigner({ key: newKey(caType), notBefore: now - HOUR, notAfter: now + 24 * HOUR });
  const leaves = template(signer, { keyType, dnsNames: ['localhost', 'web.example'] });
  return [signer, await leaves.mint({ now, notAfter: now + HOUR, random: systemRandom })];
};

describe.each<[KeyType, KeyType]>([
  ['ec-p256', 'ec-p256'],
  ['ec-p384', 'ec-p384'],
  ['rsa-2048', 'rsa-2048'],
  ['ec-p256', 'rsa-2048'],
])('a CA of %s and a leaf of %s', (caType, keyType) => {
  withOpenssl('X509-08, X509-16: pass openssl verify -x509_strict, as server and as client', async () => {
    const [signer, leaf] = await newPair(caType, keyType);
    const anchors = written('ca.pem', toPem('CERTIFICATE', signer.certificateDer));
    const certificate = written('leaf.pem', toPem('CERTIFICATE', leaf.certificateDer));
    for (const purpose of ['sslserver', 'sslclient']) {
      const out = openssl(
        'verify',
        '-x509_strict',
        '-check_ss_sig',
        '-purpose',
        purpose,
        '-CAfile',
        anchors,
        certificate,
      );
      expect(out).toContain('OK');
    }
    expect(openssl('x509', '-in', certificate, '-noout', '-purpose')).toMatch(
      /^SSL client : Yes[\s\S]*SSL client CA : No\nSSL server : Yes/m,
    );
  });

  withOpenssl('CLI-02: have keys that openssl finds to fit', async () => {
    const [, leaf] = await newPair(caType, keyType);
    const certificate = written('leaf.pem', toPem('CERTIFICATE', leaf.certificateDer));
    const key = written('key.pem', toPem('PRIVATE KEY', leaf.privateKeyPkcs8));
    expect(openssl('pkey', '-in', key, '-pubout')).toBe(openssl('x509', '-in', certificate, '-noout', '-pubkey'));
    expect(openssl('pkey', '-in', key, '-check', '-noout')).toContain('Key is valid');
  });

  it('X509-08: serve and call over TLS', async () => {
    const [signer, leaf] = await newPair(caType, keyType);
    expect(await shakeHands(signer, leaf)).toEqual([true, true]);
  });
});

withOpenssl('X509-01 to X509-11: openssl reads what was written', async () => {
  const [signer, leaf] = await newPair('ec-p256', 'ec-p256');
  const read = (der: Buffer): string =>
    openssl('x509', '-in', written('read.pem', toPem('CERTIFICATE', der)), '-noout', '-text', '-nameopt', 'RFC2253');
  const leafText = read(leaf.certificateDer);
  expect(leafText).toContain('Subject: CN=localhost,O=Assay\n');
  expect(leafText).toMatch(/X509v3 Key Usage: critical\n +Digital Signature\n/);
  expect(leafText).toMatch(
    /X509v3 Extended Key Usage: \n +TLS Web Server Authentication, TLS Web Client Authentication\n/,
  );
  expect(leafText).toMatch(/X509v3 Basic Constraints: critical\n +CA:FALSE\n/);
  expect(leafText).toMatch(
    /X509v3 Subject Alternative Name: \n +DNS:localhost, DNS:web.example, URI:spiffe:\/\/example.org\/web\n/,
  );
  const caText = read(signer.certificateDer);
  expect(caText).toMatch(/Subject: serialNumber=[0-9a-f]{32},O=Assay\n/);
  expect(caText).toMatch(/X509v3 Key Usage: critical\n +Certificate Sign, CRL Sign\n/);
  expect(caText).toMatch(/X509v3 Basic Constraints: critical\n +CA:TRUE\n/);
  expect(caText).toMatch(/X509v3 Subject Alternative Name: \n +URI:spiffe:\/\/example.org\n/);
});

/** Whether either side of a mutual handshake holds the other's certificate for authorised. */
async function shakeHands(signer: Signer, leaf: MintedLeaf): Promise<[boolean, boolean]> {
  const identity = {
    ca: toPem('CERTIFICATE', signer.certificateDer),
    cert: toPem('CERTIFICATE', leaf.certificateDer),
    key: toPem('PRIVATE KEY', leaf.privateKeyPkcs8),
  };
  const server = createServer({ ...identity, requestCert: true, rejectUnauthorized: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  const socket = connect({
    ...identity,
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    servername: 'localhost',
  });
  try {
    const [[peer]] = await Promise.all([accepted, once(socket, 'secureConnect')]);
    const outcome: [boolean, boolean] = [peer.authorized, socket.authorized];
    peer.destroy();
    return outcome;
  } finally {
    socket.destroy();
    server.close();
    await once(server, 'close');
  }
}

function written(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

function openssl(...args: string[]): string {
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
