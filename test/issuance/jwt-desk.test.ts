// SPDX-License-Identifier: Apache-2.0
/** Tokens for one caller, with a real store and authority; the caller, the clock and the moment of the commit are the test's. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { JwtCaller, JwtSvidState } from '../../src/issuance/workload-identities.ts';
import { Failure } from '../../src/lib/failure.ts';
import { CommitGate } from '../../src/store/sqlite/commit-gate.ts';
import { anchors } from '../support/anchors.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { type LoneOptions, lone, OPERATOR, TestProcess } from '../support/lone.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { seen } from '../support/seen.ts';
import { tempDir } from '../support/temp-dir.ts';

const OWN = 'spiffe://example.org';
const MINUTE = 60_000;
const top = tempDir('desk');
const folder = (): string => mkdtempSync(join(top, 'd'));
const never = new AbortController().signal;

let clock: FakeClock;
let gate: CommitGate;
let rooms: Awaited<ReturnType<typeof lone>>;
let process: TestProcess;
let desk: JwtCaller;

async function open(options: Partial<LoneOptions> = {}): Promise<void> {
  clock = new FakeClock();
  gate = new CommitGate();
  rooms = await lone({ dataDir: folder(), clock, gate, ...options });
  process = new TestProcess();
  desk = rooms.standings.jwt!.caller(process);
}
beforeEach(() => open());
afterEach(async () => {
  desk.close();
  await rooms.close();
});

const register = (name: string, more: object = {}): Promise<unknown> =>
  rooms.registry.createEntry(
    { entryId: name, spiffeId: `${OWN}/${name}`, selectors: ['unix:uid:1000'], ...more },
    OPERATOR,
  );

async function fetch(audience = 'aud', spiffeId = '', signal = never): Promise<readonly JwtSvidState[]> {
  let got: readonly JwtSvidState[] | undefined;
  await desk.fetch({ audiences: audience.split(' '), spiffeId }, signal, (svids) => {
    got = svids;
  });
  return got as readonly JwtSvidState[];
}
const tokenOf = async (audience?: string): Promise<string> => (await fetch(audience))[0]?.token as string;
const rows = () => rooms.store.list({}, { limit: 100 }).rows;
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));

describe('a token', () => {
  it('I3: has its row, with the digest and the audiences, before it is given', async () => {
    await register('a');
    gate.hold();
    const fetching = fetch('one two');
    await gate.reached();
    let given = false;
    void fetching.then(() => {
      given = true;
    });
    await settled();
    expect(given).toBe(false);
    gate.release();
    await fetching;
    expect(rows()).toMatchObject([{ kind: 'jwt', entryId: 'a', audiences: ['one', 'two'], delivered: true }]);
  });

  it('I1, WAPI-34: does not leave when its entry is deleted while the row is written', async () => {
    await register('a');
    gate.hold();
    const fetching = refusalOfAsync(() => fetch());
    await gate.reached();
    const deleted = rooms.registry.deleteEntry('a', OPERATOR);
    await new Promise((resolve) => setImmediate(resolve));
    gate.release();
    await deleted;
    expect((await fetching).reason).toBe('NO_ENTRY_MATCHES');
  });

  it('A2: does not leave when the process is another one by then', async () => {
    await register('a');
    gate.hold();
    const fetching = refusalOfAsync(() => fetch());
    await gate.reached();
    process.verdict = { same: false, reason: 'it has executed another program' } as never;
    gate.release();
    expect((await fetching).reason).toBe('CALLER_CHANGED');
  });

  it('I1: nobody without a grant has one; a suspended identity has none any more', async () => {
    expect((await refusalOfAsync(() => fetch())).reason).toBe('NO_ENTRY_MATCHES');
    await register('a');
    expect(await fetch()).toHaveLength(1);
    await rooms.registry.suspendIdentity(`${OWN}/a`, 'a test', OPERATOR);
    expect((await refusalOfAsync(() => fetch())).reason).toBe('SUSPENDED');
  });

  it('WAPI-23: of an identity that is not granted is refused', async () => {
    await register('a');
    const refused = await refusalOfAsync(() => fetch('aud', `${OWN}/b`));
    expect([refused.kind, refused.reason]).toEqual(['permission-denied', 'NOT_GRANTED']);
  });

  it('is not recorded for a caller that has given up', async () => {
    await register('a');
    const abort = new AbortController();
    gate.hold();
    const fetching = fetch('aud', '', abort.signal);
    await gate.reached();
    abort.abort(new Error('gone'));
    gate.release();
    await expect(fetching).rejects.toThrow('gone');
    desk.close();
    await rooms.ledger.markUndelivered(0, 'flush').catch(() => undefined);
    expect(rows()).toMatchObject([{ delivered: false }]);
  });

  it('I8: is not signed while the clock has gone back', async () => {
    await register('a');
    await tokenOf();
    clock.jump(-MINUTE);
    expect((await refusalOfAsync(() => fetch('other'))).kind).toBe('unavailable');
  });
});

it('I8: a call is refused in time when its caller can no longer be looked at', async () => {
  desk.close();
  await rooms.close();
  let change: (ground: string) => void = () => undefined;
  let looks = 0;
  await open({
    attestation: {
      attest: async () => {
        looks += 1;
        if (looks > 1) throw new Failure('unavailable', 'ATTESTATION_FAILED', 'the engine is down');
        return seen([['unix:uid:1000', 'kernel']], { restsOn: ['docker:c'] });
      },
      onChange: (listener) => {
        change = listener;
        return () => undefined;
      },
    },
  });
  await register('a');
  await tokenOf();
  change('docker:c');
  const refused = refusalOfAsync(() => fetch());
  await clock.advance(11_000);
  expect(await refused).toMatchObject({ kind: 'unavailable', reason: 'CALLER_UNSURE' });
});

describe('the cache', () => {
  it('gives the same token for the same audiences, and another for others or in another order', async () => {
    await register('a');
    const first = await tokenOf('x y');
    expect(await tokenOf('x y')).toBe(first);
    expect(await tokenOf('y x')).not.toBe(first);
    expect(rows()).toHaveLength(2);
  });

  it('JWT-09: gives it at once in its last half, and replaces it for the next call; no more near its end', async () => {
    await register('a');
    const first = await tokenOf();
    await clock.advance(149_000);
    expect(await tokenOf()).toBe(first);
    await settled();
    expect(rows()).toHaveLength(1);
    await clock.advance(2_000);
    expect(await tokenOf()).toBe(first);
    await settled();
    expect(rows()).toHaveLength(2);
    const second = await tokenOf();
    expect(second).not.toBe(first);
    // Nobody asks until five sixths of its life are over.
    await clock.advance(251_000);
    const third = await tokenOf();
    expect([first, second]).not.toContain(third);
  });

  it('I1: forgets what a change of the entry, its identity or the key touches', async () => {
    await register('a');
    const first = await tokenOf();
    await rooms.registry.updateEntry('a', { jwtTtlSeconds: 60 }, OPERATOR);
    const second = await tokenOf();
    expect(second).not.toBe(first);
    await rooms.jwt.prepare('test');
    expect(await tokenOf()).toBe(second);
    await rooms.jwt.activate({ now: true, by: 'test' });
    expect(await tokenOf()).not.toBe(second);
  });

  it('I9: keeps 64 sets of audiences, and lets the one go that was longest not asked for', async () => {
    await register('a');
    const [zero, one] = [await tokenOf('0'), await tokenOf('1')];
    for (let i = 2; i < 64; i += 1) await tokenOf(String(i));
    expect(await tokenOf('0')).toBe(zero);
    await tokenOf('64');
    expect(await tokenOf('0')).toBe(zero);
    expect(await tokenOf('1')).not.toBe(one);
  });

  it('JWT-12: keeps no token that names itself', async () => {
    await register('a');
    const kept = await tokenOf();
    await rooms.registry.updateEntry('a', { jwtJti: true }, OPERATOR);
    const jti = (token: string): unknown =>
      JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString())['jti'];
    const [first, second] = [await tokenOf(), await tokenOf()];
    expect(new Set([kept, first, second]).size).toBe(3);
    expect(jti(kept)).toBeUndefined();
    expect(jti(second)).not.toBe(jti(first));
    expect(
      rows()
        .map(({ serial }) => serial)
        .slice(0, 2),
    ).toEqual([jti(second), jti(first)]);
    await rooms.registry.updateEntry('a', { jwtJti: false }, OPERATOR);
    expect(await tokenOf()).toBe(await tokenOf());
  });

  it('is one process’s own', async () => {
    await register('a');
    const first = await tokenOf();
    const other = rooms.standings.jwt!.caller(new TestProcess(101));
    await other.fetch({ audiences: ['aud'], spiffeId: '' }, never, ([svid]) => expect(svid?.token).not.toBe(first));
    other.close();
  });

  it('I3: an RSA key gives two callers in one second two tokens, each with its row', async () => {
    desk.close();
    await rooms.close();
    await open({ jwtKeyType: 'rsa-2048' });
    await register('a');
    const first = await tokenOf();
    const other = rooms.standings.jwt!.caller(process);
    await other.fetch({ audiences: ['aud'], spiffeId: '' }, never, ([svid]) => expect(svid?.token).not.toBe(first));
    other.close();
    expect(rows()).toHaveLength(2);
  });
});

describe('a token to be checked', () => {
  const check = async (token: string, audience = 'aud'): Promise<string> => {
    let id = '';
    await desk.validate({ token, audience }, never, ({ spiffeId }) => {
      id = spiffeId.toString();
    });
    return id;
  };

  it('JWT-13, WAPI-27: is held against the keys of its own trust domain: ours, or one that this caller federates with', async () => {
    const partner = await lone({ dataDir: folder(), clock, trustDomain: 'partner.test' });
    await partner.registry.createEntry(
      { entryId: 'p', spiffeId: 'spiffe://partner.test/p', selectors: ['unix:uid:1000'] },
      OPERATOR,
    );
    const theirs = partner.standings.jwt!.caller(new TestProcess());
    let token = '';
    await theirs.fetch({ audiences: ['aud'], spiffeId: '' }, never, ([svid]) => {
      token = svid?.token as string;
    });
    await register('a', {});
    expect(await check(await tokenOf())).toBe(`${OWN}/a`);
    expect((await refusalOfAsync(() => check(token))).reason).toBe('JWT_UNTRUSTED');
    const { certificates, jwtKeys } = partner.ownBundle();
    const [der] = certificates as [Buffer];
    await rooms.registry.putBundle('partner.test', { ...anchors([Buffer.from(der)]), jwtKeys }, OPERATOR);
    expect((await refusalOfAsync(() => check(token))).reason).toBe('JWT_UNTRUSTED');
    await rooms.registry.updateEntry('a', { federatesWith: ['partner.test'] }, OPERATOR);
    expect(await check(token)).toBe('spiffe://partner.test/p');
    await rooms.registry.putBundle('partner.test', anchors([]), OPERATOR);
    expect((await refusalOfAsync(() => check(token))).reason).toBe('JWT_UNTRUSTED');
    theirs.close();
    await partner.close();
  });

  it('WAPI-20: is checked for nobody without an identity, unless verifiers need none', async () => {
    await register('a');
    const token = await tokenOf();
    const stranger = rooms.standings.jwt!.caller(new TestProcess(102, 2000));
    const asked = { token, audience: 'aud' };
    expect((await refusalOfAsync(() => stranger.validate(asked, never, () => undefined))).reason).toBe(
      'NO_ENTRY_MATCHES',
    );
    stranger.close();
    desk.close();
    await rooms.close();
    await open({ allowUnauthenticatedVerifiers: true });
    const refused = await refusalOfAsync(() => desk.validate(asked, never, () => undefined));
    expect(refused.reason).toBe('JWT_KEY_UNKNOWN');
  });
});
