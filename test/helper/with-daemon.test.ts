// SPDX-License-Identifier: Apache-2.0
/** The helper beside a real daemon: files that follow its rotations. */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { Daemon, SHORT_LIVES } from '../support/daemon.ts';
import { fits, HelperBench, read, until } from './bench.ts';

const uid = process.getuid!();
let daemon: Daemon;
let bench: HelperBench;

beforeAll(async () => {
  daemon = await Daemon.start({ config: SHORT_LIVES });
  const entry = { spiffe_id: 'spiffe://example.org/web', selectors: [`unix:uid:${uid}`] };
  await daemon.admin.call('CreateEntry', { entry });
  bench = new HelperBench();
});

afterAll(async () => {
  await bench?.close();
  await daemon?.close();
});

describe('assay helper', () => {
  it('writes an identity as files and replaces them when it is renewed', async () => {
    bench.start(`
socket: ${daemon.endpoint}
outputs:
  - { name: web, folder: ${bench.out}, x509: { cert: tls.crt, key: tls.key, bundle: ca.crt } }
`);
    const first = await until(() => read(bench.path('tls.crt')), `tls.crt\n${bench.log}`);
    const second = await until(() => {
      const now = read(bench.path('tls.crt'));
      return now !== first && now;
    }, 'a renewed tls.crt');
    expect(fits(second, read(bench.path('tls.key')) ?? '')).toBe(true);
    expect(read(bench.path('ca.crt'))).toContain('BEGIN CERTIFICATE');
    expect(statSync(bench.path('tls.key')).mode & 0o777).toBe(0o600);
    expect(statSync(bench.path('tls.crt')).mode & 0o777).toBe(0o644);
  });

  it('keeps tokens and bundles beside it, which others can verify', async () => {
    await bench.stop();
    bench.start(`
socket: ${daemon.endpoint}
outputs:
  - name: web
    folder: ${bench.out}
    trust_domain: example.org
    x509: { cert: tls.crt, key: tls.key }
    jwt: [{ file: token, audience: [https://api.example.org] }]
    jwt_bundle: jwks.json
    spiffe_bundle: bundle.json
`);
    const token = await until(() => read(bench.path('token')), `a token\n${bench.log}`);
    const keys = JSON.parse(await until(() => read(bench.path('jwks.json')), 'a JWK set'));
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys), { audience: 'https://api.example.org' });
    expect(payload.sub).toBe('spiffe://example.org/web');
    const bundle = JSON.parse(await until(() => read(bench.path('bundle.json')), 'a bundle'));
    const uses = bundle.keys.map(({ use }: { use: string }) => use);
    expect(new Set(uses)).toEqual(new Set(['x509-svid', 'jwt-svid']));
    expect(statSync(bench.path('token')).mode & 0o777).toBe(0o600);
  });

  it('gives a configuration of spiffe-helper what it gives there, tokens and all', async () => {
    await bench.stop();
    const dir = join(bench.folder, 'certs');
    mkdirSync(dir);
    bench.start(
      `agent_address = "${daemon.workloadSocket}"
cert_dir = "certs"
svid_file_name = "svid.pem"
svid_key_file_name = "svid_key.pem"
svid_bundle_file_name = "svid_bundle.pem"
jwt_svids = [{jwt_audience="one", jwt_extra_audiences=["two"], jwt_svid_file_name="jwt_svid.token"}]
jwt_bundle_file_name = "jwt_bundle.json"
`,
      { file: 'helper.conf' },
    );
    const token = await until(() => read(join(dir, 'jwt_svid.token')), `a token\n${bench.log}`);
    const bundles = JSON.parse(await until(() => read(join(dir, 'jwt_bundle.json')), 'JWT bundles'));
    const set = JSON.parse(Buffer.from(bundles['example.org'], 'base64').toString());
    const { payload } = await jwtVerify(token, createLocalJWKSet(set), { audience: 'two' });
    expect(payload.aud).toEqual(['one', 'two']);
    const key = await until(() => read(join(dir, 'svid_key.pem')), 'a key');
    expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----/);
    expect(statSync(join(dir, 'jwt_bundle.json')).mode & 0o777).toBe(0o600);
  });

  it('comes through a restart of the daemon', async () => {
    const dir = join(bench.folder, 'certs');
    const before = read(join(dir, 'svid.pem'));
    await daemon.stop();
    expect(read(join(dir, 'svid.pem'))).toBe(before);
    await daemon.start();
    await until(() => read(join(dir, 'svid.pem')) !== before, 'a new certificate');
    expect(fits(read(join(dir, 'svid.pem')) ?? '', read(join(dir, 'svid_key.pem')) ?? '')).toBe(true);
  });
});
