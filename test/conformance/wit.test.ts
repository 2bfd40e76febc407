// SPDX-License-Identifier: Apache-2.0
/** WIT-SVIDs and WIT bundles, as a real daemon hands them out, and that there is none of it while they are off. */
import { createPrivateKey, createPublicKey, type JsonWebKey } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint, createLocalJWKSet, importJWK, jwtVerify, SignJWT } from 'jose';
import { validateWitSvid } from '../../src/client/wit-trust.ts';
import { parseJwks } from '../../src/jwt/key.ts';
import { Daemon } from '../support/daemon.ts';
import { emptyRegistry } from '../support/empty-registry.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';
import { type WitMessage, WorkloadClient } from '../support/workload-client.ts';

const uid = process.getuid?.() ?? 0;
const mine = [`unix:uid:${uid}`];
const OWN = 'spiffe://example.org';
const folder = tempDir('wit-off');

type Keys = { readonly keys: readonly (JsonWebKey & { readonly kid: string; readonly use?: string })[] };
type Svid = WitMessage['svids'][number];

const opened = (token: string, at: 0 | 1): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[at] as string, 'base64url').toString());
const cnfOf = ({ wit_svid }: Svid): JsonWebKey => (opened(wit_svid, 1) as { cnf: { jwk: JsonWebKey } }).cnf.jwk;

describe('with experimental.wit', () => {
  let daemon: Daemon;
  let client: WorkloadClient;
  beforeAll(async () => {
    daemon = await Daemon.start({ config: ['experimental: { wit: true }', 'jwt: { issuer: https://id.example.org }'] });
    client = new WorkloadClient(daemon.workloadSocket);
  });
  afterEach(() => emptyRegistry(daemon.admin));
  afterAll(async () => {
    client.close();
    await daemon.close();
  });

  const entry = (name: string, more: object = {}): Promise<unknown> =>
    daemon.admin.createEntry({ id: name, spiffe_id: `${OWN}/${name}`, selectors: mine, ...more });
  const fetched = async (spiffeId = ''): Promise<readonly Svid[]> => {
    const stream = client.fetchWit(spiffeId);
    const { svids } = await stream.at(1);
    stream.cancel();
    return svids;
  };
  const bundle = async (): Promise<Keys> => {
    const stream = client.fetchWitBundles();
    const text = (await stream.at(1)).bundles[OWN] as string;
    stream.cancel();
    return JSON.parse(text) as Keys;
  };
  const jwtBundle = async (): Promise<Keys> => {
    const stream = client.fetchJwtBundles();
    const bytes = (await stream.at(1)).bundles[OWN] as Buffer;
    stream.cancel();
    return JSON.parse(bytes.toString()) as Keys;
  };
  const tried = (spiffeId = ''): Promise<grpc.StatusObject> => client.fetchWit(spiffeId).status;

  it('WIT-01, WIT-02, WIT-04, WIT-05, WIT-07, WIT-11, WIT-12, WIT-13, WIT-19: is a token of just these members', async () => {
    await entry('a');
    const [svid] = await fetched();
    expect(svid).toMatchObject({ spiffe_id: `${OWN}/a`, hint: '' });
    const token = svid?.wit_svid as string;
    const [key] = (await bundle()).keys;
    expect(opened(token, 0)).toEqual({ alg: 'ES256', kid: key?.kid, typ: 'wit+jwt' });
    const claims = opened(token, 1) as { exp: number; iat: number; nbf: number; jti: string };
    // No aud, and no iss although jwt.issuer is set.
    expect(Object.keys(claims).sort()).toEqual(['cnf', 'exp', 'iat', 'jti', 'nbf', 'sub']);
    expect(claims).toMatchObject({ sub: `${OWN}/a` });
    expect(claims.jti).toMatch(/^[0-9a-f]{32}$/);
    expect([claims.exp - claims.iat, claims.iat - claims.nbf]).toEqual([3600, 10]);
    expect(cnfOf(svid as Svid)).toEqual({
      kty: 'EC',
      crv: 'P-256',
      alg: 'ES256',
      x: expect.any(String),
      y: expect.any(String),
    });
  });

  it('WAPI-31, CLI-16: comes with the private half of its cnf key', async () => {
    await entry('a');
    const [svid] = await fetched();
    const jwk = JSON.parse(svid?.wit_svid_key as string) as JsonWebKey;
    expect(jwk).toMatchObject({ kty: 'EC', d: expect.any(String), alg: 'ES256' });
    const cnf = cnfOf(svid as Svid);
    expect(await calculateJwkThumbprint(jwk)).toBe(await calculateJwkThumbprint(cnf));
    const ours = createPublicKey(createPrivateKey({ key: jwk, format: 'jwk' }));
    expect(ours.equals(createPublicKey({ key: cnf, format: 'jwk' }))).toBe(true);
  });

  it('WIT-14, WIT-17: passes with a proof of that key, made and checked by another implementation too', async () => {
    await entry('a');
    const [{ wit_svid: token, wit_svid_key: key }] = (await fetched()) as [Svid];
    const set = await bundle();
    // panva/jose signs a WIMSE-like proof with the key, and verifies the token with the set.
    const { payload } = await jwtVerify(
      token,
      createLocalJWKSet({ keys: [...set.keys].map(({ use: _, ...rest }) => rest) } as never),
      {
        typ: 'wit+jwt',
      },
    );
    expect(payload.sub).toBe(`${OWN}/a`);
    const proof = await new SignJWT({ wth: 'hash of the token' })
      .setProtectedHeader({ alg: 'ES256', typ: 'wpt+jwt' })
      .sign(await importJWK(JSON.parse(key) as never));
    const [head, body, signature] = proof.split('.') as [string, string, string];
    const source = { witKeysOf: () => parseJwks(JSON.stringify(set), 'set', 'wit-svid').keys };
    const peer = await validateWitSvid(token, {
      source,
      provesPossession: (holder) => holder.signed(Buffer.from(`${head}.${body}`), Buffer.from(signature, 'base64url')),
    });
    expect(peer.spiffeId.toString()).toBe(`${OWN}/a`);
    const stolen = await refusalOfAsync(() => validateWitSvid(token, { source, provesPossession: () => false }));
    expect(stolen.reason).toBe('WIT_NOT_PROVEN');
  });

  it('I3, I10: each has its row, its jti as serial, and nothing of token or key', async () => {
    await entry('a');
    const [svid] = await fetched();
    const { svids } = await daemon.admin.call('ListSvids', {});
    const jti = (opened(svid?.wit_svid as string, 1) as { jti: string }).jti;
    expect(svids[0]).toMatchObject({ kind: 'wit', entry_id: 'a', delivered: true, serial: jti, audiences: [] });
    expect(JSON.stringify(svids)).not.toContain(svid?.wit_svid.split('.')[1]);
    expect(JSON.stringify(svids)).not.toContain((JSON.parse(svid?.wit_svid_key as string) as { d: string }).d);
  });

  it('WAPI-22, WAPI-16, WAPI-18: without an ID there is one for each identity, the oldest entry first', async () => {
    await entry('a', { hint: 'h' });
    await entry('b', { hint: 'h' });
    await entry('c');
    const svids = await fetched();
    expect(svids.map(({ spiffe_id, hint }) => [spiffe_id, hint])).toEqual([
      [`${OWN}/a`, 'h'],
      [`${OWN}/c`, ''],
    ]);
    expect(new Set(svids.map(({ wit_svid_key }) => wit_svid_key)).size).toBe(2);
  });

  it('WAPI-23, WAPI-24: with an ID there is that one, or a refusal', async () => {
    await entry('a');
    await entry('b');
    expect((await fetched(`${OWN}/b`)).map(({ spiffe_id }) => spiffe_id)).toEqual([`${OWN}/b`]);
    expect((await tried(`${OWN}/c`)).code).toBe(grpc.status.PERMISSION_DENIED);
    for (const bad of ['spiffe://td/', 'x', 'spiffe://example.org'])
      expect((await tried(bad)).code).toBe(grpc.status.INVALID_ARGUMENT);
  });

  it('WAPI-33, WAPI-12, I7: who has no identity is told so, at first and when the last one goes', async () => {
    expect((await tried()).code).toBe(grpc.status.PERMISSION_DENIED);
    await entry('a');
    const stream = client.fetchWit();
    await stream.at(1);
    await daemon.admin.call('DeleteEntry', { id: 'a' });
    expect((await stream.status).code).toBe(grpc.status.PERMISSION_DENIED);
  });

  it('WAPI-05, WAPI-06, I4: an identity that comes is pushed, and what is held stays the same SVID and key', async () => {
    await entry('a');
    const stream = client.fetchWit();
    const [first] = (await stream.at(1)).svids;
    await entry('b');
    const { svids } = await stream.at(2);
    expect(svids.map(({ spiffe_id }) => spiffe_id)).toEqual([`${OWN}/a`, `${OWN}/b`]);
    expect(svids[0]).toEqual(first);
    stream.cancel();
  });

  it('WIT-19, I5: lives as long as an X509-SVID of its entry', async () => {
    await entry('a', { x509_ttl_seconds: 600, jwt_ttl_seconds: 42 });
    const { exp, iat } = opened(((await fetched()) as [Svid])[0].wit_svid, 1) as { exp: number; iat: number };
    expect(exp - iat).toBe(600);
  });

  it('WAPI-32, CLI-13, WIT-16: its bundle is a JWK set in text with our WIT keys and nothing else', async () => {
    await entry('a');
    const stream = client.fetchWitBundles();
    const { bundles } = await stream.at(1);
    stream.cancel();
    expect(Object.keys(bundles)).toEqual([OWN]);
    const { keys, ...more } = JSON.parse(bundles[OWN] as string) as Keys;
    expect([more, keys.length]).toEqual([{}, 1]);
    expect(Object.keys(keys[0] as object).sort()).toEqual(['crv', 'kid', 'kty', 'use', 'x', 'y']);
    expect(keys[0]).toMatchObject({ use: 'wit-svid', kid: expect.stringMatching(/^[0-9a-f]{40}$/) });
  });

  it('WAPI-25, WIT-18, WIT-16: no key is in both sets, and no kid', async () => {
    await entry('a');
    const [wit, jwt] = [(await bundle()).keys, (await jwtBundle()).keys];
    expect([wit.length, jwt.length]).toEqual([1, 1]);
    expect(new Set([...wit, ...jwt].map(({ kid }) => kid)).size).toBe(2);
    expect(new Set([...wit, ...jwt].map(({ x }) => x)).size).toBe(2);
  });

  it('WAPI-20: bundles are for those who have an identity', async () => {
    expect((await client.fetchWitBundles().status).code).toBe(grpc.status.PERMISSION_DENIED);
  });

  it('BUN-18, WAPI-06: a prepared key comes at once, and signs once it is activated', async () => {
    await entry('a');
    const stream = client.fetchWitBundles();
    const kidsAt = async (count: number): Promise<string[]> =>
      (JSON.parse((await stream.at(count)).bundles[OWN] as string) as Keys).keys.map(({ kid }) => kid);
    const before = await kidsAt(1);
    const { authority } = await daemon.admin.call('PrepareAuthority', { kind: 'wit' });
    expect(await kidsAt(2)).toEqual([...before, authority.id]);
    const signer = async (): Promise<unknown> => opened(((await fetched()) as [Svid])[0].wit_svid, 0)['kid'];
    expect(await signer()).not.toBe(authority.id);
    await daemon.admin.call('ActivateAuthority', { kind: 'wit', now: true });
    expect(await signer()).toBe(authority.id);
    stream.cancel();
  });

  it('WIT-15, WAPI-36: ValidateJWTSVID refuses a WIT-SVID', async () => {
    await entry('a');
    const [{ wit_svid }] = (await fetched()) as [Svid];
    const refused = await client.validateJwt(wit_svid, 'a').catch((error: grpc.ServiceError) => error);
    expect(refused).toMatchObject({ code: grpc.status.INVALID_ARGUMENT, details: expect.stringContaining('typ') });
  });

  it('WAPI-36: a JWT-SVID is refused where a WIT-SVID is wanted, also by the set of its own keys', async () => {
    await entry('a');
    const [{ svid } = { svid: '' }] = await client.fetchJwt(['a']);
    const set = JSON.stringify(await jwtBundle());
    const source = { witKeysOf: () => parseJwks(set, 'set').keys };
    const failure = await refusalOfAsync(() => validateWitSvid(svid, { source, provesPossession: () => true }));
    expect(failure.reason).toBe('JWT_TYPE');
    expect(parseJwks(set, 'set', 'wit-svid').keys).toEqual([]);
    expect(parseJwks(JSON.stringify(await bundle()), 'set').keys).toEqual([]);
  });

  it('AMB-04, CLI-15: the bundle document has no key of them without the second switch', async () => {
    const { bundle: own } = await daemon.admin.call('GetOwnBundle', {});
    expect(own.spiffe_document).not.toContain('wit-svid');
    expect(own.spiffe_document).toContain('jwt-svid');
  });
});

it('AMB-04, WIT-16: the bundle document has them with the second switch, each kid once', async () => {
  const daemon = await Daemon.start({ config: ['experimental: { wit: true, wit_in_bundle_endpoint: true }'] });
  const { bundle } = await daemon.admin.call('GetOwnBundle', {});
  const { keys } = JSON.parse(bundle.spiffe_document) as Keys;
  expect(keys.map(({ use }) => use)).toEqual(['x509-svid', 'jwt-svid', 'wit-svid']);
  expect(Object.keys(keys[2] as object).sort()).toEqual(['crv', 'kid', 'kty', 'use', 'x', 'y']);
  expect(keys[1]?.kid).not.toBe(keys[2]?.kid);
  await daemon.close();
});

it('WAPI-02: off, as it is unless told, both methods are UNIMPLEMENTED and there is no WIT key anywhere', async () => {
  const daemon = await Daemon.start();
  const client = new WorkloadClient(daemon.workloadSocket);
  await daemon.admin.createEntry({ id: 'a', spiffe_id: `${OWN}/a`, selectors: mine });
  expect((await client.fetchWit().status).code).toBe(grpc.status.UNIMPLEMENTED);
  expect((await client.fetchWitBundles().status).code).toBe(grpc.status.UNIMPLEMENTED);
  const { bundle } = await daemon.admin.call('GetOwnBundle', {});
  expect(bundle.spiffe_document).not.toContain('wit-svid');
  const keys = readdirSync(join(daemon.dataDir, 'keys')).map((name) => name.split('-')[0]);
  expect(keys.sort()).toEqual(['jwt', 'x509']);
  const refused = await daemon.admin.call('GetAuthorities', { kind: 'wit' }).catch((error: unknown) => error);
  expect(String((refused as Error).message)).toContain('no wit authority');
  client.close();
  await daemon.close();
});

it('WAPI-02: off again, with the keys of before in the data folder, there is none to be had; on again, the same ones sign', async () => {
  const on = 'experimental: { wit: true, wit_in_bundle_endpoint: true }';
  const kidsUnder = async (config: readonly string[]): Promise<readonly string[]> => {
    const daemon = await Daemon.start({ config, dataDir: join(folder, 'data') });
    const client = new WorkloadClient(daemon.workloadSocket);
    try {
      const { bundle } = await daemon.admin.call('GetOwnBundle', {});
      const { keys } = JSON.parse(bundle.spiffe_document) as Keys;
      const kids = keys.filter(({ use }) => use === 'wit-svid').map(({ kid }) => kid);
      if (kids.length === 0) expect((await client.fetchWitBundles().status).code).toBe(grpc.status.UNIMPLEMENTED);
      return kids;
    } finally {
      client.close();
      await daemon.close();
    }
  };
  const before = await kidsUnder([on]);
  expect(before).toHaveLength(1);
  expect(await kidsUnder([])).toEqual([]);
  expect(await kidsUnder([on])).toEqual(before);
});
