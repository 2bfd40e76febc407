// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { TrustDomain } from '../../src/identity/trust-domain.ts';
import { Introspection } from '../../src/introspection/introspection.ts';
import { jwtKeysFor } from '../../src/issuance/jwt-keys.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { lone, OPERATOR, TD, TestProcess } from '../support/lone.ts';
import { AGENT, taskWorld } from '../support/task-world.ts';
import { tempDir } from '../support/temp-dir.ts';

const top = tempDir('introspection');
const WEB = 'spiffe://example.org/web';
let count = 0;

async function world() {
  count += 1;
  const clock = new FakeClock();
  const rooms = await lone({ dataDir: `${top}/${count}`, clock });
  const { registry, authority, store, jwt } = rooms;
  const selectors = ['unix:uid:1000'];
  await registry.createEntry({ entryId: 'web', spiffeId: WEB, selectors, jwtJti: false }, OPERATOR);
  const replayed: object[] = [];
  const introspection = new Introspection({
    trustDomain: TD,
    keysOf: (domain) => jwtKeysFor({ registry, authority }, rooms.rooms.jwt!, new Set(), domain),
    issuances: store,
    revocations: store.revocations,
    replayed: (what) => void replayed.push(what),
    clock,
  });
  const desk = rooms.standings.jwt!.caller(new TestProcess());
  const token = async (): Promise<string> => {
    let found = '';
    await desk.fetch({ audiences: ['billing', 'other'], spiffeId: '' }, new AbortController().signal, (svids) => {
      found = svids[0]!.token;
    });
    return found;
  };
  return { ...rooms, clock, introspection, replayed, token, desk, jwt };
}

let w: Awaited<ReturnType<typeof world>>;
beforeEach(async () => {
  w = await world();
});
afterEach(async () => {
  w.desk.close();
  await w.close();
});

describe('a token', () => {
  it('of ours that stands is active, and said who and whom it is for', async () => {
    const token = await w.token();
    const iat = Math.floor(w.clock.now() / 1_000);
    expect(w.introspection.introspect(token)).toMatchObject({
      active: true,
      token_type: 'Bearer',
      sub: WEB,
      client_id: WEB,
      aud: ['billing', 'other'],
      exp: iat + 300,
    });
  });

  it('I7: that was taken back, or whose identity was suspended, is not', async () => {
    const first = await w.token();
    await w.store.revocations.revoke({ what: 'entry', entryId: 'web' }, 'x', 'uid:0', w.clock.now());
    expect(w.introspection.introspect(first)).toEqual({ active: false });
    const second = await w.token();
    expect(w.introspection.introspect(second)).toMatchObject({ active: true });
    await w.registry.suspendIdentity(WEB, 'left', OPERATOR);
    expect(w.introspection.introspect(second)).toEqual({ active: false });
  });

  it('I7: that was taken back and is presented all the same is told of, while it would be good', async () => {
    const token = await w.token();
    w.introspection.introspect(token, 'spiffe://example.org/api');
    expect(w.replayed).toEqual([]);
    await w.introspection.revoke(token, WEB);
    w.introspection.introspect(token, 'spiffe://example.org/api');
    const [row] = w.store.list({}, { limit: 1 }).rows;
    const told = { kind: 'jwt', serial: row?.serial, identity: WEB, by: 'spiffe://example.org/api' };
    expect(w.replayed).toEqual([told]);
    // Its holder may say so twice.
    await w.introspection.revoke(token, WEB);
    await w.clock.advance(300_000);
    w.introspection.introspect(token, 'spiffe://example.org/api');
    expect(w.replayed).toEqual([told]);
  });

  it('that has expired is not, without leeway', async () => {
    const token = await w.token();
    await w.clock.advance(299_000);
    expect(w.introspection.introspect(token)).toMatchObject({ active: true });
    await w.clock.advance(1_000);
    expect(w.introspection.introspect(token)).toEqual({ active: false });
  });

  it('B5: that we signed and have no row of is not', async () => {
    const issued = await w.jwt.mintToken({
      spiffeId: SpiffeId.parse(WEB),
      audiences: ['billing'],
      ttlMs: 60_000,
      caps: [],
      jti: false,
    });
    expect(w.introspection.introspect(issued.token)).toEqual({ active: false });
  });

  it.each([
    ['nothing', ''],
    ['no token', 'a.b.c'],
    ['far too long', 'x'.repeat(100_000)],
  ])('B8: that is %s is not', async (_, token) => {
    expect(w.introspection.introspect(token)).toEqual({ active: false });
  });

  it('B8: whose signature was changed, or that of another trust domain, is not', async () => {
    const token = await w.token();
    const [head, body, signature = ''] = token.split('.');
    const other = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`;
    expect(w.introspection.introspect(`${head}.${body}.${other}`)).toEqual({ active: false });
    const stranger = new Introspection({
      trustDomain: TrustDomain.parse('other.example'),
      keysOf: () => jwtKeysFor(w.rooms, w.rooms.jwt!, new Set(), TD),
      issuances: w.store,
      revocations: w.store.revocations,
      clock: w.clock,
    });
    expect(stranger.introspect(token)).toEqual({ active: false });
  });
});

describe('taking back a token', () => {
  it('is for the identity that it is of', async () => {
    const token = await w.token();
    expect(await w.introspection.revoke(token, WEB)).toBe('done');
    expect(w.introspection.introspect(token)).toEqual({ active: false });
    expect(w.store.list({}, { limit: 1 }).rows[0]?.revokeReason).toBe('by its holder');
    expect(await w.token()).not.toBe(token);
  });

  it('B8: and for nobody else, but what is not active is so for all', async () => {
    const token = await w.token();
    expect(await w.introspection.revoke(token, 'spiffe://example.org/other')).toBe('refused');
    expect(w.introspection.introspect(token)).toMatchObject({ active: true });
    expect(await w.introspection.revoke('nothing', 'spiffe://example.org/other')).toBe('done');
  });
});

describe('a token of a task', () => {
  it('I7: is active under the name of the task while that lasts, and told of when it is shown later', async () => {
    const t = await taskWorld(`${top}/task`);
    await t.entry('agent', 'agent');
    const leader = new TestProcess();
    const { id } = await t.run(leader);
    const caller = t.standings.within(t.scopes.get(id)!).jwt!.caller(leader);
    let token = '';
    await caller.fetch({ audiences: ['crm'], spiffeId: '' }, new AbortController().signal, (svids) => {
      token = svids[0]!.token;
    });
    const { registry, authority, store, clock } = t;
    const replayed: object[] = [];
    const introspection = new Introspection({
      trustDomain: TD,
      keysOf: (domain) => jwtKeysFor({ registry, authority }, t.rooms.jwt!, new Set(), domain),
      issuances: store,
      revocations: store.revocations,
      replayed: (what) => void replayed.push(what),
      clock,
    });
    const sub = `${AGENT}/task/${id}`;
    expect(introspection.introspect(token)).toMatchObject({ active: true, sub });
    await t.tasks.end(leader, id, false, 'done');
    expect(introspection.introspect(token, 'spiffe://example.org/api')).toEqual({ active: false });
    expect(replayed).toMatchObject([{ kind: 'jwt', identity: sub, by: 'spiffe://example.org/api' }]);
    caller.close();
    await t.close();
  });
});
