// SPDX-License-Identifier: Apache-2.0
/** A token of a real daemon, verified by a library that knows OpenID Connect and nothing of SPIFFE, from what the daemon serves. */
import { get } from 'node:https';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createLocalJWKSet, jwtVerify } from 'jose';
import type { Daemon } from '../support/daemon.ts';
import { issuingDaemon } from '../support/issuing-daemon.ts';
import { WorkloadClient } from '../support/workload-client.ts';

let daemon: Daemon;
let client: WorkloadClient;
let port: number;
let issuer: string;
let ca: string;
beforeAll(async () => {
  ({ daemon, issuer, port, ca } = await issuingDaemon({}, ', rsa_key_type: rsa-2048, rsa_audiences: [rsa-only]'));
  await daemon.admin.createEntry({
    id: 'a',
    spiffe_id: 'spiffe://example.org/a',
    selectors: [`unix:uid:${process.getuid?.()}`],
  });
  client = new WorkloadClient(daemon.workloadSocket);
}, 60_000);
afterAll(async () => {
  client.close();
  await daemon.close();
});

/** With the web's rules: the issuer's own host and a certificate authority. */
const fetchJson = (path: string): Promise<never> =>
  new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', servername: 'localhost', port, path, ca }, (response) => {
      let text = '';
      response.on('data', (bytes: Buffer) => {
        text += bytes.toString();
      });
      response.on('end', () => resolve(JSON.parse(text) as never));
    }).on('error', reject);
  });

it('a token verifies through discovery, also by a key that was rotated in', async () => {
  for (const rotated of [false, true]) {
    if (rotated) {
      await daemon.admin.call('PrepareAuthority', { kind: 'jwt' });
      await daemon.admin.call('ActivateAuthority', { kind: 'jwt', now: true });
    }
    const document = (await fetchJson('/id/.well-known/openid-configuration')) as { issuer: string; jwks_uri: string };
    expect(document.issuer).toBe(issuer);
    const keys = await fetchJson(document.jwks_uri.replace(/^https:\/\/[^/]+/, ''));
    const [svid] = await client.fetchJwt(['sts.amazonaws.com']);
    const { payload } = await jwtVerify(svid?.svid as string, createLocalJWKSet(keys), {
      issuer,
      audience: 'sts.amazonaws.com',
      subject: 'spiffe://example.org/a',
    });
    expect(payload.iss).toBe(issuer);
  }
});

it('JWT-14: a token for an audience that takes only RSA is signed by the second authority, and verifies through discovery', async () => {
  const keys = (await fetchJson('/id/keys')) as { keys: { alg: string; kid: string }[] };
  expect(new Set(keys.keys.map(({ alg }) => alg))).toEqual(new Set(['ES256', 'RS256']));
  const options = { issuer, subject: 'spiffe://example.org/a', algorithms: ['RS256'] };
  const [svid] = await client.fetchJwt(['rsa-only']);
  await jwtVerify(svid?.svid as string, createLocalJWKSet(keys as never), { ...options, audience: 'rsa-only' });
  await client.validateJwt(svid?.svid as string, 'rsa-only');
  const [again] = await client.fetchJwt(['rsa-only']);
  expect(again?.svid).toBe(svid?.svid);
  const [other] = await client.fetchJwt(['rsa']);
  await expect(
    jwtVerify(other?.svid as string, createLocalJWKSet(keys as never), { ...options, audience: 'rsa' }),
  ).rejects.toThrow('not allowed');

  const { bundle } = await daemon.admin.call('GetOwnBundle', {});
  expect(bundle.spiffe_document).toContain('"kty":"RSA"');
  const { authorities } = await daemon.admin.call('GetAuthorities', { kind: 'jwt-rsa' });
  expect(authorities).toMatchObject([{ kind: 'jwt-rsa', slot: 'active', key_type: 'rsa-2048' }]);
  const { checks } = await daemon.admin.call('GetHealth', {});
  expect(checks.map(({ name }: { name: string }) => name)).toContain('RSA JWT keys');
});
