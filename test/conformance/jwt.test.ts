// SPDX-License-Identifier: Apache-2.0
/** JWT-SVIDs and JWT bundles, as a real daemon hands them out. */
import { createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Daemon } from '../support/daemon.ts';
import { emptyRegistry } from '../support/empty-registry.ts';
import { WorkloadClient } from '../support/workload-client.ts';

const uid = process.getuid?.() ?? 0;
const mine = [`unix:uid:${uid}`];
const OWN = 'spiffe://example.org';

let daemon: Daemon;
let client: WorkloadClient;
beforeAll(async () => {
  daemon = await Daemon.start();
  client = new WorkloadClient(daemon.workloadSocket);
});
afterEach(() => emptyRegistry(daemon.admin));
afterAll(async () => {
  client.close();
  await daemon.close();
});

const entry = (name: string, more: object = {}): Promise<unknown> =>
  daemon.admin.createEntry({ id: name, spiffe_id: `${OWN}/${name}`, selectors: mine, ...more });

interface Opened {
  readonly header: Record<string, unknown>;
  readonly claims: Record<string, unknown>;
  readonly payload: string;
}

function open(token: string): Opened {
  const [header, payload] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString());
  return { header: JSON.parse(header as string), claims: JSON.parse(payload as string), payload: payload as string };
}

async function jwksOf(trustDomain = OWN): Promise<JsonWebKey[]> {
  const stream = client.fetchJwtBundles();
  const bytes = (await stream.at(1)).bundles[trustDomain] as Buffer;
  stream.cancel();
  return (JSON.parse(bytes.toString()) as { keys: JsonWebKey[] }).keys;
}

const refusal = (call: Promise<unknown>): Promise<grpc.ServiceError> =>
  call.then(
    () => Promise.reject(new Error('it was answered')),
    (error: grpc.ServiceError) => error,
  );

describe('FetchJWTSVID', () => {
  it('JWT-03, JWT-05, JWT-06, JWT-10, JWT-12, JWT-20: is a token of just these members, signed by a key of our bundle', async () => {
    await entry('a');
    const before = Math.floor(Date.now() / 1000);
    const [svid] = await client.fetchJwt(['aud']);
    expect(svid).toMatchObject({ spiffe_id: `${OWN}/a`, hint: '' });
    const token = svid?.svid as string;
    const { header, claims, payload } = open(token);
    const [key] = await jwksOf();
    expect(header).toEqual({ alg: 'ES256', kid: (key as { kid: string }).kid, typ: 'JWT' });
    expect(Object.keys(claims).sort()).toEqual(['aud', 'exp', 'iat', 'sub']);
    expect(claims).toMatchObject({ sub: `${OWN}/a`, aud: 'aud' });
    expect(payload).toMatch(/"exp":\d+[,}]/);
    expect(claims['iat']).toBeGreaterThanOrEqual(before);
    expect(claims['iat']).toBeLessThanOrEqual(Math.floor(Date.now() / 1000));
    expect(claims['exp']).toBe((claims['iat'] as number) + 300);
    const [input, signature] = [token.slice(0, token.lastIndexOf('.')), token.slice(token.lastIndexOf('.') + 1)];
    const raw = Buffer.from(signature, 'base64url');
    expect(raw.length).toBe(64);
    const publicKey = createPublicKey({ key: key as JsonWebKey, format: 'jwk' });
    expect(verify('sha256', Buffer.from(input), { key: publicKey, dsaEncoding: 'ieee-p1363' }, raw)).toBe(true);
  });

  it('I3, I10: each has its row with its audiences, and nothing of the token', async () => {
    await entry('a');
    const [svid] = await client.fetchJwt(['one', 'two']);
    const { svids } = await daemon.admin.call('ListSvids', {});
    expect(svids[0]).toMatchObject({ kind: 'jwt', entry_id: 'a', delivered: true, audiences: ['one', 'two'] });
    expect(svids[0]?.serial).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.stringify(svids)).not.toContain(svid?.svid.split('.')[1]);
  });

  it('WAPI-21, JWT-07, AMB-02, CLI-12: has the audiences asked for, one as text, several as a list', async () => {
    await entry('a');
    expect(open((await client.fetchJwt(['b', 'a', 'c']))[0]?.svid as string).claims['aud']).toEqual(['b', 'a', 'c']);
    expect(open((await client.fetchJwt(['x']))[0]?.svid as string).claims['aud']).toBe('x');
  });

  it('WAPI-22, WAPI-16, WAPI-18: without an ID there is one for each identity, the oldest entry first', async () => {
    await entry('a', { hint: 'h' });
    await entry('b', { hint: 'h' });
    await entry('c');
    const svids = await client.fetchJwt(['aud']);
    expect(svids.map(({ spiffe_id, hint }) => [spiffe_id, hint])).toEqual([
      [`${OWN}/a`, 'h'],
      [`${OWN}/c`, ''],
    ]);
    expect(svids.map(({ svid }) => open(svid).claims['sub'])).toEqual([`${OWN}/a`, `${OWN}/c`]);
  });

  it('WAPI-23, WAPI-24: with an ID there is that one, or a refusal', async () => {
    await entry('a');
    await entry('b');
    expect((await client.fetchJwt(['aud'], `${OWN}/b`)).map(({ spiffe_id }) => spiffe_id)).toEqual([`${OWN}/b`]);
    expect((await refusal(client.fetchJwt(['aud'], `${OWN}/c`))).code).toBe(grpc.status.PERMISSION_DENIED);
    for (const bad of ['spiffe://td/', 'x', 'spiffe://example.org'])
      expect((await refusal(client.fetchJwt(['aud'], bad))).code).toBe(grpc.status.INVALID_ARGUMENT);
  });

  it('WAPI-08, WAPI-09: no audience is no request', async () => {
    await entry('a');
    for (const audience of [[], [''], ['', ''], ['a', '']])
      expect(await refusal(client.fetchJwt(audience))).toMatchObject({ code: grpc.status.INVALID_ARGUMENT });
  });

  it('WEP-14, WAPI-37: who has no identity is told so, and hears of one that comes', async () => {
    expect(await refusal(client.fetchJwt(['aud']))).toMatchObject({ code: grpc.status.PERMISSION_DENIED });
    await entry('a');
    expect(await client.fetchJwt(['aud'])).toHaveLength(1);
    await daemon.admin.call('DeleteEntry', { id: 'a' });
    expect(await refusal(client.fetchJwt(['aud']))).toMatchObject({ code: grpc.status.PERMISSION_DENIED });
  });

  it('JWT-11, I5: lives as long as its entry says', async () => {
    await entry('a', { jwt_ttl_seconds: 42 });
    const { claims } = open((await client.fetchJwt(['aud']))[0]?.svid as string);
    expect((claims['exp'] as number) - (claims['iat'] as number)).toBe(42);
  });

  it('WEP-02: wants the header', async () => {
    await entry('a');
    const call = client.unary('FetchJWTSVID', { audience: ['a'] }, new grpc.Metadata());
    expect((await refusal(call)).code).toBe(grpc.status.INVALID_ARGUMENT);
  });
});

describe('ValidateJWTSVID', () => {
  it('WAPI-27, WAPI-29, WAPI-30: says who a token is of, and its claims', async () => {
    await entry('a');
    const [svid] = await client.fetchJwt(['aud']);
    const { spiffe_id, claims } = await client.validateJwt(svid?.svid as string, 'aud');
    expect(spiffe_id).toBe(`${OWN}/a`);
    expect(claims.fields).toMatchObject({
      sub: { stringValue: `${OWN}/a` },
      aud: { listValue: { values: [{ stringValue: 'aud' }] } },
      exp: { numberValue: expect.any(Number) },
      iat: { numberValue: expect.any(Number) },
    });
  });

  it('JWT-08, WAPI-28: refuses what is not for that audience, in words without the token', async () => {
    await entry('a');
    const token = (await client.fetchJwt(['aud']))[0]?.svid as string;
    const refused = await refusal(client.validateJwt(token, 'AUD'));
    expect(refused.code).toBe(grpc.status.INVALID_ARGUMENT);
    expect(refused.details).not.toContain(token.split('.')[2]);
    const torn = `${token.slice(0, -4)}AAAA`;
    expect((await refusal(client.validateJwt(torn, 'aud'))).code).toBe(grpc.status.INVALID_ARGUMENT);
  });

  it('WAPI-08: wants a token and an audience', async () => {
    await entry('a');
    for (const [token, audience] of [
      ['', 'a'],
      ['x', ''],
    ] as const)
      expect((await refusal(client.validateJwt(token, audience))).code).toBe(grpc.status.INVALID_ARGUMENT);
  });
});

describe('FetchJWTBundles', () => {
  it('WAPI-25, WAPI-26, CLI-13, JWT-17: is a plain JWK set with our JWT keys and nothing else', async () => {
    await entry('a');
    const [key, ...more] = await jwksOf();
    expect(more).toEqual([]);
    expect(Object.keys(key as object).sort()).toEqual(['crv', 'kid', 'kty', 'x', 'y']);
  });

  it('WAPI-20: is for those who have an identity', async () => {
    const { code } = await client.fetchJwtBundles().status;
    expect(code).toBe(grpc.status.PERMISSION_DENIED);
  });

  it('BUN-18, WAPI-06, JWT-15: a prepared key comes at once, and signs once it is activated', async () => {
    await entry('a');
    const stream = client.fetchJwtBundles();
    const kidsAt = async (count: number): Promise<string[]> => {
      const { keys } = JSON.parse(((await stream.at(count)).bundles[OWN] as Buffer).toString()) as {
        keys: { kid: string }[];
      };
      return keys.map(({ kid }) => kid);
    };
    const [first] = await kidsAt(1);
    await daemon.admin.call('PrepareAuthority', { kind: 'jwt' });
    const [, second] = await kidsAt(2);
    expect(open((await client.fetchJwt(['a']))[0]?.svid as string).header['kid']).toBe(first);
    await daemon.admin.call('ActivateAuthority', { kind: 'jwt', now: true });
    expect(open((await client.fetchJwt(['a']))[0]?.svid as string).header['kid']).toBe(second);
    stream.cancel();
  });
});

it('WAPI-01, AMB-09: the JWT profile can be switched off, and then has no key anywhere', async () => {
  const off = await Daemon.start({ config: ['workload_api: { jwt: false }'] });
  const there = new WorkloadClient(off.workloadSocket);
  await off.admin.createEntry({ id: 'a', spiffe_id: `${OWN}/a`, selectors: mine });
  for (const call of [there.fetchJwt(['a']), there.validateJwt('a', 'b')])
    expect((await refusal(call)).code).toBe(grpc.status.UNIMPLEMENTED);
  expect((await there.fetchJwtBundles().status).code).toBe(grpc.status.UNIMPLEMENTED);
  const { bundle } = await off.admin.call('GetOwnBundle', {});
  expect(bundle.spiffe_document).not.toContain('jwt-svid');
  there.close();
  await off.close();
});

it('WAPI-01: so can the X.509 profile', async () => {
  const off = await Daemon.start({ config: ['workload_api: { x509: false }'] });
  const there = new WorkloadClient(off.workloadSocket);
  await off.admin.createEntry({ id: 'a', spiffe_id: `${OWN}/a`, selectors: mine });
  for (const stream of [there.fetchX509Svid(), there.fetchX509Bundles()])
    expect((await stream.status).code).toBe(grpc.status.UNIMPLEMENTED);
  expect(await there.fetchJwt(['a'])).toHaveLength(1);
  there.close();
  await off.close();
});
