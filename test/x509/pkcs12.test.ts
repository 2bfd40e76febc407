// SPDX-License-Identifier: Apache-2.0
/** PKCS#12 files, read back by programs that share no code with ours. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { systemRandom } from '../../src/lib/random.ts';
import { toPem } from '../../src/x509/pem.ts';
import { writeKeyStore, writeTrustStore } from '../../src/x509/pkcs12.ts';
import { TestCa } from '../support/test-ca.ts';

const folder = mkdtempSync(join(tmpdir(), 'assay-p12-'));
const root = TestCa.create('example.org');
const issued = root.intermediate().issue('spiffe://example.org/web');
const other = TestCa.create('other.org');
const keytool = ['/usr/bin/keytool', '/usr/local/bin/keytool'].find((path) => existsSync(path));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(program: string, ...args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, [...args], (error, stdout, stderr) =>
      error ? reject(new Error(stderr)) : resolve(stdout + stderr),
    );
  });
}

function put(name: string, bytes: Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

describe('a PKCS#12 key store', () => {
  it.each(['changeit', 'pässwörd € with blanks', 'x'.repeat(200)])(
    'opens in OpenSSL with the password %j',
    async (password) => {
      const file = put('key.p12', writeKeyStore(issued.pkcs8, issued.chain, { password, random: systemRandom }));
      const text = await run('openssl', 'pkcs12', '-in', file, '-passin', `pass:${password}`, '-nodes', '-info');
      expect(text).toContain(toPem('PRIVATE KEY', issued.pkcs8));
      for (const der of issued.chain) expect(text).toContain(toPem('CERTIFICATE', der));
      expect(text).toContain('friendlyName: svid');
      expect(text).toContain('PBES2, PBKDF2, AES-256-CBC');
      expect(text).toContain('hmacWithSHA256');
    },
  );

  it('does not open with another password', async () => {
    const file = put(
      'locked.p12',
      writeKeyStore(issued.pkcs8, issued.chain, { password: 'right', random: systemRandom }),
    );
    await expect(run('openssl', 'pkcs12', '-in', file, '-passin', 'pass:wrong', '-nodes')).rejects.toThrow(
      'invalid password',
    );
  });

  it('has other salts each time', () => {
    const make = (): Buffer => writeKeyStore(issued.pkcs8, issued.chain, { password: 'a', random: systemRandom });
    expect(make().equals(make())).toBe(false);
  });
});

(keytool === undefined ? describe.skip : describe)('Java', () => {
  it('finds the key and its chain', async () => {
    const file = put(
      'java.p12',
      writeKeyStore(issued.pkcs8, issued.chain, { password: 'changeit', random: systemRandom }),
    );
    const text = await run(keytool as string, '-list', '-v', '-keystore', file, '-storepass', 'changeit');
    expect(text).toContain('Entry type: PrivateKeyEntry');
    expect(text).toContain('Certificate chain length: 2');
  });

  it('takes the anchors of a trust store for trusted', async () => {
    const anchors = [root.der, other.der];
    const file = put('trust.p12', writeTrustStore(anchors, { password: 'changeit', random: systemRandom }));
    const text = await run(keytool as string, '-list', '-keystore', file, '-storepass', 'changeit');
    expect(text.match(/ca-[12], .*trustedCertEntry/g)).toHaveLength(2);
  });
});
