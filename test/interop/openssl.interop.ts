// SPDX-License-Identifier: Apache-2.0
/** openssl's own verifier and TLS against SVIDs of a real daemon, for each kind of key. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { authorizeId, connectTls, createTlsServer, peerOf, X509Source } from '../../src/client/index.ts';
import { Daemon } from '../support/daemon.ts';

const ID = 'spiffe://example.org/openssl';
let work: string;

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'assay-openssl-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

const kinds = ['ec-p256', 'ec-p384', 'rsa-2048'] as const;

describe.each(kinds)('openssl and an SVID of %s', (keyType) => {
  let daemon: Daemon;
  let source: X509Source;
  const file = (name: string): string => join(work, `${keyType}-${name}`);

  beforeAll(async () => {
    daemon = await Daemon.start({ config: [`ca: { key_type: ${keyType} }`, `svid: { key_type: ${keyType} }`] });
    await daemon.admin.createEntry({
      spiffe_id: ID,
      selectors: [`unix:uid:${process.getuid?.()}`],
      dns_names: ['svc.example.org', '*.svc.example.org'],
    });
    source = await X509Source.open({ socket: daemon.endpoint });
    const svid = source.svid();
    writeFileSync(file('svid.pem'), svid.chain.map(pem).join(''));
    writeFileSync(file('svid.key'), svid.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    writeFileSync(file('bundle.pem'), (source.bundleFor('example.org') ?? []).map(pem).join(''));
  });

  afterAll(async () => {
    source?.close();
    await daemon?.close();
  });

  it.each(['sslserver', 'sslclient'])('CLI-10 X509-08: verifies strictly for the purpose %s', (purpose) => {
    const args = ['verify', '-x509_strict', '-purpose', purpose, '-CAfile', file('bundle.pem'), file('svid.pem')];
    expect(openssl(...args).trim()).toBe(`${file('svid.pem')}: OK`);
  });

  it('CLI-10: verifies its DNS names and refuses another', () => {
    const verify = (name: string) =>
      spawnSync('openssl', ['verify', '-verify_hostname', name, '-CAfile', file('bundle.pem'), file('svid.pem')])
        .status;
    expect([verify('svc.example.org'), verify('a.svc.example.org'), verify('example.org')]).toEqual([0, 0, 2]);
  });

  it('X509-05 X509-06 X509-07 X509-09: reads the profile as we meant it', () => {
    const leaf = openssl('x509', '-in', file('svid.pem'), '-noout', '-text');
    expect(leaf).toContain(`URI:${ID}`);
    expect(leaf).toMatch(/X509v3 Key Usage: critical\n +Digital Signature(, Key Encipherment)?\n/);
    expect(leaf).toMatch(/X509v3 Basic Constraints: critical\n +CA:FALSE/);
    expect(leaf).toContain('TLS Web Server Authentication, TLS Web Client Authentication');
    const ca = openssl('x509', '-in', file('bundle.pem'), '-noout', '-text');
    expect(ca).toMatch(/X509v3 Basic Constraints: critical\n +CA:TRUE/);
    expect(ca).toMatch(/X509v3 Key Usage: critical\n +Certificate Sign, CRL Sign\n/);
  });

  it('the key is the certificate’s and opens without a password', () => {
    const of = (...args: string[]) => openssl(...args).trim();
    const fromKey = of('pkey', '-in', file('svid.key'), '-pubout', '-passin', 'pass:');
    expect(fromKey).toBe(of('x509', '-in', file('svid.pem'), '-noout', '-pubkey'));
  });

  it('s_client proves itself to a Node server and verifies it', async () => {
    const served: string[] = [];
    const server = createTlsServer(source, { authorize: authorizeId(ID) }, (socket) => {
      served.push(String(peerOf(socket).spiffeId));
      socket.end('hello from node\n');
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    const trust = ['-CAfile', file('bundle.pem'), '-verify_return_error', '-x509_strict', '-verify', '4'];
    const own = ['-cert', file('svid.pem'), '-key', file('svid.key')];
    const client = await run('openssl', ['s_client', '-quiet', '-connect', `127.0.0.1:${port}`, ...trust, ...own]);
    server.close();
    expect(client.output).toContain('hello from node');
    expect(served).toEqual([ID]);
  });

  it('s_client without a certificate reaches no Node server', async () => {
    let served = 0;
    const server = createTlsServer(source, { authorize: authorizeId(ID) }, (socket) => {
      served += 1;
      socket.end('hello from node\n');
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    const client = await run('openssl', ['s_client', '-quiet', '-connect', `127.0.0.1:${port}`]);
    server.close();
    expect(client.output).not.toContain('hello from node');
    expect(served).toBe(0);
  });

  it('s_server that wants a certificate verifies a Node client, and is verified', async () => {
    const own = ['-cert', file('svid.pem'), '-key', file('svid.key'), '-CAfile', file('bundle.pem')];
    const flags = ['-accept', '127.0.0.1:0', '-naccept', '1', '-x509_strict', '-verify_return_error', '-Verify', '4'];
    const child = spawn('openssl', ['s_server', ...flags, ...own], { stdio: ['pipe', 'pipe', 'pipe'] });
    try {
      const port = await new Promise<number>((resolve, reject) => {
        let text = '';
        child.stdout.on('data', (chunk: Buffer) => {
          text += chunk.toString();
          const found = /^ACCEPT 127\.0\.0\.1:(\d+)/m.exec(text);
          if (found) resolve(Number(found[1]));
        });
        child.on('exit', () => reject(new Error(`s_server ended: ${text}`)));
      });
      const socket = await connectTls(source, { authorize: authorizeId(ID), host: '127.0.0.1', port });
      expect(String(peerOf(socket).spiffeId)).toBe(ID);
      const heard = new Promise<string>((resolve) => socket.once('data', (chunk: Buffer) => resolve(chunk.toString())));
      child.stdin.write('hello from openssl\n');
      expect(await heard).toBe('hello from openssl\n');
      socket.destroy();
    } finally {
      child.kill();
    }
  });
});

const pem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/.{64}/g, '$&\n').trimEnd()}\n-----END CERTIFICATE-----\n`;

const openssl = (...args: string[]): string => execFileSync('openssl', args, { encoding: 'utf8' });

/** Runs with the event loop free, since the other end of the connection is this process. */
function run(command: string, args: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: 15_000 });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}
