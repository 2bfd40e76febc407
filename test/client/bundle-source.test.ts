// SPDX-License-Identifier: Apache-2.0
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BundleSource, type BundleSourceOptions } from '../../src/client/bundle-source.ts';
import { validateJwtSvid } from '../../src/client/jwt-trust.ts';
import { JwtDaemon, WEB } from '../support/jwt-daemon.ts';
import { refusalOf, refusalOfAsync } from '../support/refusal.ts';
import { TestCa } from '../support/test-ca.ts';

const caA = TestCa.create('td-a');
const caB = TestCa.create('td-b');
let daemon: JwtDaemon;
let opened: BundleSource[];
let anchors: Record<string, Buffer>;

beforeEach(async () => {
  opened = [];
  anchors = { 'spiffe://td-a': caA.der, 'spiffe://td-b': caB.der };
  daemon = await JwtDaemon.start();
  daemon.api.onStream = (stream) =>
    stream.send({ bundles: stream.method === 'FetchJWTBundles' ? daemon.bundles() : anchors });
});
afterEach(() => {
  for (const source of opened) source.close();
  daemon.close();
});

async function open(options: BundleSourceOptions = {}): Promise<BundleSource> {
  const source = await BundleSource.open({ socket: daemon.api.uri, clock: daemon.clock, ...options });
  opened.push(source);
  return source;
}

const until = (source: BundleSource, holds: () => boolean): Promise<void> =>
  new Promise((resolve) => {
    if (holds()) return resolve();
    const stop = source.onUpdate(() => {
      if (!holds()) return;
      stop();
      resolve();
    });
  });

describe('a source of bundles', () => {
  it('has both kinds of every trust domain when it opens', async () => {
    const source = await open();
    expect(source.bundleFor('td-a')).toEqual([caA.der]);
    expect(source.bundleFor('td-b')).toEqual([caB.der]);
    expect(source.jwtKeysOf('td-a')?.map(({ kid }) => kid)).toEqual(['k1']);
    expect(source.jwtKeysOf('td-b')?.map(({ kid }) => kid)).toEqual(['foreign']);
    expect(source.bundleFor('td-c') ?? source.jwtKeysOf('td-c')).toBeUndefined();
  });

  it('WAPI-36: does not take the one kind for the other', async () => {
    const { svid } = await daemon.mint(WEB, ['a']);
    const source = await open({ kinds: ['x509'] });
    const check = { audience: 'a', source, now: daemon.clock.now() };
    expect(refusalOf(() => validateJwtSvid(svid, check)).reason).toBe('JWT_UNTRUSTED');
    expect(daemon.api.streams.map(({ method }) => method)).toEqual(['FetchX509Bundles']);
  });

  it('WAPI-35: unloads a trust domain that a message leaves out', async () => {
    const source = await open();
    (await daemon.api.streamOf('FetchX509Bundles')).send({ bundles: { 'spiffe://td-a': caA.der } });
    await until(source, () => source.bundleFor('td-b') === undefined);
    expect(source.jwtKeysOf('td-b')).toHaveLength(1);
  });

  it('WAPI-38: keeps what it has when a message is bad, and says so', async () => {
    const source = await open();
    (await daemon.api.streamOf('FetchJWTBundles')).send({ bundles: {} });
    await until(source, () => source.status().jwt?.problem !== undefined);
    expect(source.status().jwt).toMatchObject({ state: 'current', updates: 1 });
    expect(source.jwtKeysOf('td-a')).toHaveLength(1);
  });

  it('I7: gives up what the daemon takes back, one kind without the other', async () => {
    const source = await open();
    daemon.api.onStream = (stream) => stream.end(status.PERMISSION_DENIED, 'no');
    (await daemon.api.streamOf('FetchJWTBundles')).end(status.PERMISSION_DENIED, 'no');
    await until(source, () => source.status().jwt?.state === 'withdrawn');
    expect(refusalOf(() => source.jwtKeysOf('td-a'))).toMatchObject({
      kind: 'permission-denied',
      reason: 'BUNDLE_WITHDRAWN',
    });
    expect(source.bundleFor('td-a')).toEqual([caA.der]);
  });

  it('comes back after the daemon did, and holds what it has meanwhile', async () => {
    const source = await open();
    daemon.api.stop();
    await until(source, () => source.status().x509?.state === 'holding' && source.status().jwt?.state === 'holding');
    expect(source.jwtKeysOf('td-a')).toHaveLength(1);
    await daemon.api.listen();
    const back = (): boolean => source.status().x509?.updates === 2 && source.status().jwt?.updates === 2;
    while (!back()) await daemon.clock.advance(100);
    expect(source.status().jwt?.state).toBe('current');
  });

  it('does not open where one kind is switched off, but for the other kind alone', async () => {
    daemon.api.onStream = (stream) => {
      if (stream.method === 'FetchJWTBundles') stream.end(status.UNIMPLEMENTED, 'off');
      else stream.send({ bundles: anchors });
    };
    const failure = await refusalOfAsync(() => open());
    expect(failure).toMatchObject({ kind: 'unavailable', reason: 'WORKLOAD_API_REFUSED' });
    expect(failure.message).toContain('no JWT bundle from');
    expect((await open({ kinds: ['x509'] })).bundleFor('td-a')).toEqual([caA.der]);
  });

  it('is told to whoever listens, until it is closed', async () => {
    const source = await open();
    source.close();
    source.close();
    expect(source.status()).toMatchObject({ x509: { state: 'closed' }, jwt: { state: 'closed' } });
    expect(refusalOf(() => source.bundleFor('td-a')).reason).toBe('SOURCE_CLOSED');
  });
});

describe('validateJwtSvid', () => {
  it('JWT-13: verifies offline, each token against its own trust domain', async () => {
    const source = await open();
    const check = { audience: 'a', source, now: daemon.clock.now() };
    const ours = await daemon.mint(WEB, ['b', 'a']);
    const peer = validateJwtSvid(ours.svid, check);
    expect(`${peer.spiffeId}`).toBe(WEB);
    expect(peer.audiences).toEqual(['b', 'a']);
    expect(peer.expiresAt).toBe(daemon.clock.now() + daemon.lifeMs);
    expect({ ...peer.claims }).toMatchObject({ sub: WEB, aud: ['b', 'a'], jti: '0' });
    expect(Object.getPrototypeOf(peer.claims)).toBeNull();
    const theirs = await daemon.mint('spiffe://td-b/x', ['a'], '', daemon.foreign);
    expect(validateJwtSvid(theirs.svid, check).spiffeId.trustDomain.name).toBe('td-b');
    const crossed = await daemon.mint('spiffe://td-b/x', ['a']);
    expect(refusalOf(() => validateJwtSvid(crossed.svid, check)).reason).toBe('JWT_KEY_UNKNOWN');
    daemon.api.stop();
    expect(`${validateJwtSvid(ours.svid, check).spiffeId}`).toBe(WEB);
  });

  it('JWT-09: goes by the clock it is given', async () => {
    const source = await open();
    const { svid } = await daemon.mint(WEB, ['a']);
    const check = { audience: 'a', source, now: daemon.clock.now() + daemon.lifeMs };
    validateJwtSvid(svid, check);
    expect(refusalOf(() => validateJwtSvid(svid, { ...check, leewayMs: 0 })).reason).toBe('JWT_EXPIRED');
  });
});
