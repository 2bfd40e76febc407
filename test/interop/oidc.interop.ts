// SPDX-License-Identifier: Apache-2.0
/** Our tokens verified by go-jose and by jose, with what the issuer serves and nothing of SPIFFE, for each kind of key. */
import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { assay } from '../support/cli.ts';
import { type IssuingDaemon, issuingDaemon } from '../support/issuing-daemon.ts';
import { GoWorkload } from './go-workload.ts';

const AUDIENCE = 'https://verifier.example.org';
const ID = 'spiffe://example.org/app';
let go: GoWorkload;
beforeAll(() => {
  go = new GoWorkload();
});
afterAll(() => go?.remove());

async function withIssuer<T>(jwt: string, use: (issuing: IssuingDaemon) => Promise<T>): Promise<T> {
  const issuing = await issuingDaemon({}, jwt);
  try {
    await issuing.daemon.admin.createEntry({ spiffe_id: ID, selectors: [`unix:uid:${process.getuid?.()}`] });
    return await use(issuing);
  } finally {
    await issuing.daemon.close();
  }
}

async function rotate({ daemon }: IssuingDaemon): Promise<void> {
  await daemon.admin.call('PrepareAuthority', { kind: 'jwt' });
  await daemon.admin.call('ActivateAuthority', { kind: 'jwt', now: true });
}

function getJson<T>({ ca }: IssuingDaemon, url: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const call = request(url, { ca, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece) => {
        text += piece;
      });
      response.on('end', () => resolve(JSON.parse(text) as T));
    });
    call.on('error', reject).end();
  });
}

const KINDS = [
  ['ES256', ', key_type: ec-p256'],
  ['ES384', ', key_type: ec-p384'],
  ['ES512', ', key_type: ec-p521'],
  ['RS256', ', key_type: rsa-2048'],
  ['PS256', ', key_type: rsa-2048, pss: true'],
] as const;

describe.each(KINDS)('JWT-20: a token by %s', (alg, jwt) => {
  it('is verified by go-jose, also by a key that was rotated in, and refused when it is torn or for another', async () => {
    await withIssuer(jwt, async (issuing) => {
      const kids = new Set<unknown>();
      for (const rotated of [false, true]) {
        if (rotated) await rotate(issuing);
        const run = go.run(issuing.daemon.endpoint, 'oidc', issuing.issuer, issuing.caFile, AUDIENCE);
        await run.succeeds();
        const verified = await run.named('verified');
        expect(verified).toMatchObject({ subject: ID, algorithm: alg, use: 'sig' });
        kids.add(verified['kid']);
      }
      expect(kids.size).toBe(2);
    });
  });

  it('is verified by jose, and refused for another audience', async () => {
    await withIssuer(jwt, async (issuing) => {
      const { jwks_uri } = await getJson<{ jwks_uri: string }>(
        issuing,
        `${issuing.issuer}/.well-known/openid-configuration`,
      );
      const set = createLocalJWKSet(await getJson<JSONWebKeySet>(issuing, jwks_uri));
      const { out } = await assay([
        ...['fetch', 'jwt', '--raw', '--audience', AUDIENCE],
        ...['--socket', issuing.daemon.endpoint],
      ]);
      const expected = { issuer: issuing.issuer, audience: AUDIENCE, subject: ID, algorithms: [alg] };
      expect((await jwtVerify(out.trim(), set, expected)).protectedHeader.alg).toBe(alg);
      await expect(jwtVerify(out.trim(), set, { ...expected, audience: 'another' })).rejects.toThrow('"aud"');
    });
  });
});
