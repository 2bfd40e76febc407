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
  ({ daemon, issuer, port, ca } = await issuingDaemon());
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
