// SPDX-License-Identifier: Apache-2.0
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { checkJwtSvid } from '../../src/jwt/svid.ts';
import { JwtDaemon, MINUTE, WEB } from '../support/jwt-daemon.ts';
import { newJwtKey } from '../support/jwt-keys.ts';
import { refusalOf, refusalOfAsync } from '../support/refusal.ts';

let daemon: JwtDaemon;
beforeEach(async () => {
  daemon = await JwtDaemon.start();
});
afterEach(() => daemon.close());

const ask = { audience: 'a' };
const refuse = (code: number) => () => {
  throw Object.assign(new Error('no'), { code, details: 'so it is' });
};

describe('a token', () => {
  it('WAPI-21: is for the audience that was asked for, and verifies with the keys of the source', async () => {
    const source = await daemon.open();
    const svid = await source.svid({ audience: ['a', 'b'] });
    const { spiffeId, audiences } = checkJwtSvid(svid.token, {
      audience: 'b',
      now: daemon.clock.now(),
      keysOf: (domain) => source.jwtKeysOf(domain),
    });
    expect(`${spiffeId}`).toBe(WEB);
    expect(audiences).toEqual(['a', 'b']);
    expect(daemon.asked).toEqual([{ audience: ['a', 'b'], spiffe_id: '' }]);
  });

  it('CLI-26: is asked for with the security header', async () => {
    const heard: unknown[] = [];
    daemon.api.onTokens = (request, metadata) => {
      heard.push(metadata.get('workload.spiffe.io'));
      return daemon.tokens(request);
    };
    await (await daemon.open()).token(ask);
    expect(heard).toEqual([['true']]);
  });

  it('WAPI-23: is of the identity that was asked for; otherwise of the default one, or of the one with that hint', async () => {
    daemon.ids = [WEB, 'spiffe://td-a/db'];
    daemon.hints = ['', 'inside'];
    const source = await daemon.open();
    expect(`${(await source.svid(ask)).spiffeId}`).toBe(WEB);
    expect(`${(await source.svid({ ...ask, hint: 'inside' })).spiffeId}`).toBe('spiffe://td-a/db');
    expect(`${(await source.svid({ ...ask, spiffeId: 'spiffe://td-a/db' })).spiffeId}`).toBe('spiffe://td-a/db');
    expect((await refusalOfAsync(() => source.svid({ ...ask, hint: 'none' }))).reason).toBe('SVID_NOT_CHOSEN');
  });

  it.each([[''], [[]], [['a', '']]])('WAPI-08: is not asked for with the audience %j', async (audience) => {
    const source = await daemon.open();
    expect((await refusalOfAsync(() => source.token({ audience }))).reason).toBe('AUDIENCE_MISSING');
    expect((await refusalOfAsync(() => source.token({ ...ask, spiffeId: 'spiffe://td-a' }))).reason).toBe(
      'SPIFFE_ID_INVALID',
    );
    expect(daemon.asked).toEqual([]);
  });
});

describe('what is remembered', () => {
  it('serves until half of its life is over, then while it is renewed', async () => {
    const source = await daemon.open();
    const first = await source.token(ask);
    await daemon.clock.advance(2.5 * MINUTE - 1);
    expect(await source.token(ask)).toBe(first);
    expect(daemon.asked).toHaveLength(1);
    await daemon.clock.advance(1);
    expect(await source.token(ask)).toBe(first);
    const second = await changed(() => source.token(ask), first);
    expect(daemon.asked).toHaveLength(2);
    await daemon.clock.advance(2 * MINUTE);
    expect(await source.token(ask)).toBe(second);
    expect(daemon.asked).toHaveLength(2);
  });

  it('I5: is never handed out when it has expired, or is about to', async () => {
    const source = await daemon.open();
    const first = await source.token(ask);
    await daemon.clock.advance(5 * MINUTE - 5_000);
    expect(await source.token(ask)).not.toBe(first);
  });

  it('is apart for each audience list and identity', async () => {
    daemon.ids = [WEB, 'spiffe://td-a/db'];
    const source = await daemon.open();
    const wishes = [ask, { audience: ['a', 'b'] }, { audience: ['b', 'a'] }, { ...ask, spiffeId: 'spiffe://td-a/db' }];
    for (const _ of [1, 2]) for (const wish of wishes) await source.token(wish);
    expect(daemon.asked).toHaveLength(wishes.length);
  });

  it('is fetched once for all who ask at one time', async () => {
    const source = await daemon.open();
    const tokens = await Promise.all(Array.from({ length: 20 }, () => source.token(ask)));
    expect(new Set(tokens).size).toBe(1);
    expect(daemon.asked).toHaveLength(1);
  });

  it('I7: is gone with the key that signed it, at once', async () => {
    const source = await daemon.open();
    const first = await source.token(ask);
    daemon.key = newJwtKey('ES256', 'k2');
    daemon.published = [daemon.key];
    await daemon.publish(source);
    const second = await source.token(ask);
    expect(second).not.toBe(first);
    expect(daemon.asked).toHaveLength(2);
  });

  it('I7: outlives the arrival of another key', async () => {
    const source = await daemon.open();
    const first = await source.token(ask);
    daemon.published = [daemon.key, newJwtKey('ES256', 'k2')];
    await daemon.publish(source);
    expect(await source.token(ask)).toBe(first);
  });

  it('I7: is nothing under a key that the bundle does not have', async () => {
    const source = await daemon.open();
    daemon.key = newJwtKey('ES256', 'early');
    await source.token(ask);
    await source.token(ask);
    expect(daemon.asked).toHaveLength(2);
  });

  it('I7: is gone when the daemon says that nothing is granted any more', async () => {
    const source = await daemon.open();
    await source.token(ask);
    daemon.api.onTokens = refuse(status.PERMISSION_DENIED);
    await daemon.clock.advance(3 * MINUTE);
    await source.token(ask).catch(() => undefined);
    const failure = await eventually(() => refusalOfAsync(() => source.token(ask)));
    expect(failure).toMatchObject({ kind: 'permission-denied', reason: 'SVID_WITHDRAWN' });
    expect(failure.message).toContain('PERMISSION_DENIED: so it is');
  });

  it('WAPI-38: stays when the daemon answers with a token that is none', async () => {
    const source = await daemon.open();
    const first = await source.token(ask);
    daemon.api.onTokens = async () => ({ svids: [{ ...(await daemon.mint(WEB, ['a'])), svid: 'none' }] });
    await daemon.clock.advance(5 * MINUTE - 5_000);
    expect(await source.token(ask)).toBe(first);
    await daemon.clock.advance(5_000);
    expect((await refusalOfAsync(() => source.token(ask))).reason).toBe('WORKLOAD_API_MESSAGE_INVALID');
  });

  it('I7: is gone when the bundles are taken back', async () => {
    const source = await daemon.open();
    await source.token(ask);
    daemon.api.onTokens = refuse(status.PERMISSION_DENIED);
    daemon.api.onStream = (stream) => stream.end(status.PERMISSION_DENIED, 'suspended');
    (await daemon.api.streamOf('FetchJWTBundles')).end(status.PERMISSION_DENIED, 'suspended');
    await eventually(async () => refusalOf(() => source.jwtKeysOf('td-a')));
    expect((await refusalOfAsync(() => source.token(ask))).reason).toBe('SVID_WITHDRAWN');
    expect(refusalOf(() => source.jwtKeysOf('td-a')).reason).toBe('BUNDLE_WITHDRAWN');
  });
});

describe('a daemon that goes away', () => {
  it('leaves tokens that serve to their end, and is found again', async () => {
    const source = await daemon.open();
    const first = await source.token(ask);
    daemon.api.stop();
    await daemon.clock.advance(4 * MINUTE);
    expect(await source.token(ask)).toBe(first);
    await daemon.api.listen();
    expect(await changed(() => source.token(ask), first)).not.toBe(first);
    await settled(daemon.api.streamOf('FetchJWTBundles', 2));
  });

  it('is waited for where nothing is remembered', async () => {
    const source = await daemon.open();
    daemon.api.stop();
    const token = source.token(ask);
    await daemon.clock.advance(0);
    await daemon.api.listen();
    expect(await settled(token)).toMatch(/^ey/);
  });

  it('is not waited for longer than told, and the refusal says why', async () => {
    const source = await daemon.open({ tokenTimeoutMs: 3_000 });
    daemon.api.stop();
    const failure = await settled(refusalOfAsync(() => source.token(ask)));
    expect(failure).toMatchObject({ kind: 'unavailable', reason: 'SVID_MISSING' });
    expect(failure.hint).toContain('is the daemon running');
  });

  it.each([
    ['INVALID_ARGUMENT', status.INVALID_ARGUMENT],
    ['UNIMPLEMENTED', status.UNIMPLEMENTED],
  ])('%s is final: it is not asked again', async (_, code) => {
    const source = await daemon.open();
    daemon.api.onTokens = (request) => {
      daemon.asked.push(request);
      return refuse(code)();
    };
    expect((await refusalOfAsync(() => source.token(ask))).reason).toBe('WORKLOAD_API_REFUSED');
    expect(daemon.asked).toHaveLength(1);
  });
});

describe('close', () => {
  it('ends a wait, is idempotent, and leaves nothing to use', async () => {
    const source = await daemon.open();
    daemon.api.stop();
    const waiting = refusalOfAsync(() => source.token(ask));
    await daemon.clock.advance(0);
    source.close();
    source.close();
    await waiting;
    expect((await refusalOfAsync(() => source.token(ask))).reason).toBe('SOURCE_CLOSED');
    expect(refusalOf(() => source.jwtKeysOf('td-a')).reason).toBe('SOURCE_CLOSED');
  });
});

/** Asks until the answer is another one, while time goes on. */
async function changed(get: () => Promise<string>, from: string): Promise<string> {
  for (;;) {
    const now = await get();
    if (now !== from) return now;
    await daemon.clock.advance(100);
  }
}

/** Tries until it no longer throws. */
async function eventually<T>(get: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await get();
    } catch {
      await daemon.clock.advance(0);
    }
  }
}

/** Lets the clock walk on until the promise is decided. */
async function settled<T>(promise: Promise<T>): Promise<T> {
  let done = false;
  const end = promise.finally(() => {
    done = true;
  });
  end.catch(() => undefined);
  while (!done) await daemon.clock.advance(100);
  return end;
}
