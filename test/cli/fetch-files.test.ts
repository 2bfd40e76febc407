// SPDX-License-Identifier: Apache-2.0
/** `assay fetch x509` and the files it leaves. */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { toPem } from '../../src/x509/pem.ts';
import { assay, assayHere } from '../support/cli.ts';
import { Daemon } from '../support/daemon.ts';
import { TestCa } from '../support/test-ca.ts';

let daemon: Daemon;
let nobody: Daemon;
const selector = `unix:uid:${process.getuid!()}`;

beforeAll(async () => {
  [daemon, nobody] = await Promise.all([Daemon.start(), Daemon.start()]);
  const partner = { trust_domain: 'partner.example', format: 'pem' };
  const pem = toPem('CERTIFICATE', TestCa.create('partner.example').der);
  await daemon.admin.call('SetBundle', { ...partner, document: Buffer.from(pem) });
  await daemon.admin.createEntry({
    spiffe_id: 'spiffe://example.org/a',
    selectors: [selector],
    hint: 'one',
    federates_with: ['partner.example'],
  });
  await daemon.admin.createEntry({
    id: 'b',
    spiffe_id: 'spiffe://example.org/b',
    selectors: [selector],
    dns_names: ['b.example.org'],
  });
});
afterAll(() => Promise.all([daemon.close(), nobody.close()]));

const fetch = (...args: string[]) => assayHere(['fetch', 'x509', '--socket', daemon.endpoint, ...args]);

describe('assay fetch x509', () => {
  it('prints what this process is, and never a key', async () => {
    const text = await fetch();
    expect(text.code).toBe(0);
    expect(text.out).toMatch(/^spiffe id +spiffe:\/\/example\.org\/a$/m);
    expect(text.out).toMatch(/^bundle +partner\.example: 1 certificate$/m);
    const json = await fetch('-o', 'json');
    const { svids, bundles } = JSON.parse(json.out);
    expect(svids).toMatchObject([
      { spiffe_id: 'spiffe://example.org/a', hint: 'one' },
      { spiffe_id: 'spiffe://example.org/b', hint: '' },
    ]);
    expect(bundles.map((one: { trust_domain: string }) => one.trust_domain).sort()).toEqual([
      'example.org',
      'partner.example',
    ]);
    expect(text.out + json.out).not.toContain('PRIVATE KEY');
  });

  it('leaves the files that spire-agent leaves, which openssl verifies', async () => {
    const folder = join(daemon.folder, 'files');
    const { out, code } = await fetch('--write', folder, '-o', 'json');
    expect(code).toBe(0);
    const names = [
      'bundle.0.pem',
      'bundle.1.pem',
      'federated_bundle.0.0.pem',
      'federated_bundle.1.0.pem',
      'svid.0.key',
      'svid.0.pem',
      'svid.1.key',
      'svid.1.pem',
    ];
    expect(readdirSync(folder).sort()).toEqual(names);
    expect(JSON.parse(out).files.sort()).toEqual(names.map((name) => join(folder, name)));
    for (const name of names) {
      expect([name, statSync(join(folder, name)).mode & 0o777]).toEqual([name, name.endsWith('.key') ? 0o600 : 0o644]);
    }
    for (const n of [0, 1]) {
      const [svid, bundle] = [join(folder, `svid.${n}.pem`), join(folder, `bundle.${n}.pem`)];
      expect(
        execFileSync('openssl', ['verify', '-x509_strict', '-CAfile', bundle, svid], { encoding: 'utf8' }),
      ).toContain(': OK');
      const key = execFileSync('openssl', ['pkey', '-in', join(folder, `svid.${n}.key`), '-pubout'], {
        encoding: 'utf8',
      });
      expect(new X509Certificate(readFileSync(svid)).publicKey.export({ format: 'pem', type: 'spki' })).toBe(key);
    }
  });

  it('takes away the files of what is granted no more, and leaves other files alone', async () => {
    const folder = join(daemon.folder, 'stale');
    await fetch('--write', folder);
    writeFileSync(join(folder, 'svid.9.key'), 'old');
    writeFileSync(join(folder, 'federated_bundle.7.3.pem'), 'old');
    writeFileSync(join(folder, 'mine.pem'), 'mine');
    await fetch('--write', folder);
    expect(readdirSync(folder).filter((name) => /9|7/.test(name))).toEqual([]);
    expect(readFileSync(join(folder, 'mine.pem'), 'utf8')).toBe('mine');
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('makes the folder, closed to others', async () => {
    const folder = join(daemon.folder, 'deep/er');
    await fetch('--write', folder);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it('I10: writes no key into a folder that others can write', async () => {
    const folder = join(daemon.folder, 'shared');
    mkdirSync(folder);
    chmodSync(folder, 0o777);
    const { code, err } = await fetch('--write', folder);
    expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining(`chmod go-w ${folder}`) });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('says so when a folder cannot be written', async () => {
    const { code, err } = await fetch('--write', join(daemon.configFile, 'x'));
    expect({ code, err }).toMatchObject({
      code: 1,
      err: expect.stringMatching(/--write: .* cannot be written \(ENOTDIR\)/),
    });
  });

  it('WEP-09: finds the socket through SPIFFE_ENDPOINT_SOCKET, as a child process', async () => {
    const { code, out } = await assay(['fetch', 'x509'], { env: { SPIFFE_ENDPOINT_SOCKET: daemon.endpoint } });
    expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining('spiffe://example.org/a') });
  });

  it('finds the socket through the configuration of the daemon', async () => {
    const { code } = await assayHere(['fetch', 'x509', '--config', daemon.configFile]);
    expect(code).toBe(0);
  });

  it('says what a process without an entry lacks, and how to register it', async () => {
    const { code, out, err } = await assayHere(['fetch', 'x509', '--socket', nobody.endpoint]);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('no identity issued');
    expect(err).toContain('assay entry create');
    expect(existsSync(join(nobody.folder, 'files'))).toBe(false);
  });

  it('is listed with the serial it printed', async () => {
    const { svids } = JSON.parse((await fetch('-o', 'json')).out);
    const shown = await assayHere([
      'svid',
      'show',
      svids[1].serial.toUpperCase(),
      '--admin-socket',
      daemon.adminSocket,
      '-o',
      'json',
    ]);
    expect(JSON.parse(shown.out).svid).toMatchObject({
      serial: svids[1].serial,
      entry_id: 'b',
      delivered: true,
      uid: process.getuid!(),
    });
    const listed = await assayHere([
      'svid',
      'list',
      '--active',
      '--entry-id',
      'b',
      '--limit',
      '1',
      '--admin-socket',
      daemon.adminSocket,
    ]);
    expect(listed.out).toContain(svids[1].serial);
  });
});
