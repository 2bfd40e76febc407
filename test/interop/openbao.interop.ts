// SPDX-License-Identifier: Apache-2.0
/** OpenBao verifies our tokens by discovery and knows nothing of SPIFFE: whom it lets in, and whom not. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { assay } from '../support/cli.ts';
import { Daemon } from '../support/daemon.ts';
import { type IssuingDaemon, issuingDaemon } from '../support/issuing-daemon.ts';
import { type BaoAnswer, OpenBao } from './openbao.ts';

const ID = 'spiffe://example.org/app';
const OTHER = 'spiffe://example.org/other';
const AUDIENCE = 'https://bao.example.org';
const uid = `unix:uid:${process.getuid?.()}`;
/** The shortest that an entry may have. */
const SHORT_S = 10;

let issuing: IssuingDaemon;
let bao: OpenBao;
beforeAll(async () => {
  bao = await OpenBao.start();
  issuing = await issuingDaemon();
  await issuing.daemon.admin.createEntry({ spiffe_id: ID, selectors: [uid] });
  await issuing.daemon.admin.createEntry({ spiffe_id: OTHER, selectors: [uid] });
  await bao.set('sys/auth/jwt', { type: 'jwt' });
  await bao.set('auth/jwt/config', {
    oidc_discovery_url: issuing.issuer,
    oidc_discovery_ca_pem: issuing.ca,
    bound_issuer: issuing.issuer,
  });
  await bao.set('auth/jwt/role/app', {
    role_type: 'jwt',
    user_claim: 'sub',
    bound_audiences: [AUDIENCE],
    bound_subject: ID,
    // Without these it takes tokens for minutes after their end.
    expiration_leeway: -1,
    not_before_leeway: -1,
    clock_skew_leeway: -1,
    token_policies: ['default'],
  });
}, 300_000);
afterAll(async () => {
  await issuing?.daemon.close();
  await bao?.close();
});

async function token(daemon: Daemon, spiffeId = ID, audience = AUDIENCE): Promise<string> {
  const args = ['fetch', 'jwt', '--raw', '--audience', audience, '--spiffe-id', spiffeId, '--socket', daemon.endpoint];
  const { code, out, err } = await assay(args);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return out.trim();
}

const login = (jwt: string): Promise<BaoAnswer> => bao.call('POST', 'auth/jwt/login', { role: 'app', jwt }, '');

const kidOf = (jwt: string): string =>
  (JSON.parse(Buffer.from(jwt.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid;

async function refused(jwt: string, why: RegExp): Promise<void> {
  const { status, body } = await login(jwt);
  expect([status, JSON.stringify(body)]).toEqual([400, expect.stringMatching(why)]);
}

describe('OpenBao with our issuer for its oidc_discovery_url', () => {
  it('JWT-20: lets the workload in, under its SPIFFE ID, with a token of its own', async () => {
    const { status, body } = await login(await token(issuing.daemon));
    expect([status, body.auth?.policies]).toEqual([200, ['default']]);
    const self = await bao.call('GET', 'auth/token/lookup-self', undefined, body.auth.client_token);
    expect(self.body.data.display_name).toBe(`jwt-${ID}`);
  });

  it('JWT-08: refuses a token for another audience', async () => {
    await refused(await token(issuing.daemon, ID, 'https://other.example.org'), /audience/);
  });

  it('refuses the token of another workload', async () => {
    await refused(await token(issuing.daemon, OTHER), /sub/);
  });

  it('JWT-09: refuses a token that has expired', async () => {
    const { id } = await issuing.daemon.admin.createEntry({
      spiffe_id: ID,
      selectors: [uid, `unix:gid:${process.getgid?.()}`],
      jwt_ttl_seconds: SHORT_S,
      hint: 'short',
    });
    const args = ['fetch', 'jwt', '--audience', AUDIENCE, '--spiffe-id', ID, '--socket', issuing.daemon.endpoint];
    const { out } = await assay([...args, '-o', 'json']);
    const { svids } = JSON.parse(out) as { svids: { hint: string; token: string; expires_at: string }[] };
    const short = svids.find(({ hint }) => hint === 'short');
    expect((await login(short?.token ?? '')).status).toBe(200);
    await new Promise((done) => setTimeout(done, Date.parse(short?.expires_at ?? '') - Date.now() + 1_000));
    await refused(short?.token ?? '', /expired/);
    await issuing.daemon.admin.call('DeleteEntry', { id });
  });

  it('JWT-13: refuses a token of another trust domain that names our issuer', async () => {
    const foreign = await Daemon.start({
      trustDomain: 'evil.example',
      config: [`jwt: { issuer: "${issuing.issuer}" }`],
    });
    try {
      await foreign.admin.createEntry({ spiffe_id: 'spiffe://evil.example/app', selectors: [uid] });
      await refused(await token(foreign, 'spiffe://evil.example/app'), /signature|key/);
    } finally {
      await foreign.close();
    }
  });

  it('a key that is announced and then signs changes nothing: new tokens log in, and old ones still do', async () => {
    const { admin } = issuing.daemon;
    const before = await token(issuing.daemon);
    await admin.call('PrepareAuthority', { kind: 'jwt' });
    expect((await login(await token(issuing.daemon))).status).toBe(200);
    await admin.call('ActivateAuthority', { kind: 'jwt', now: true });
    const after = await token(issuing.daemon);
    expect(kidOf(after)).not.toBe(kidOf(before));
    expect((await login(after)).status).toBe(200);
    expect((await login(before)).status).toBe(200);
  });

  it('assay doctor federation finds nothing that OpenBao minds', async () => {
    const args = ['doctor', 'federation', '--admin-socket', issuing.daemon.adminSocket];
    const { code, out } = await assay([...args, '--ca-file', issuing.caFile, '--verifier', 'vault']);
    expect([code, out]).toEqual([0, expect.not.stringMatching(/^fail/m)]);
  });
});
