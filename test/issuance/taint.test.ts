// SPDX-License-Identifier: Apache-2.0
/** What open streams and tokens do when the authority under them is tainted and revoked; real store and authorities, a fake clock. */
import { X509Certificate } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { X509State } from '../../src/issuance/workload-identities.ts';
import { TAINT_SPREAD_MS } from '../../src/rotation/schedule.ts';
import { splitCertificates } from '../../src/x509/parse.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { lone, OPERATOR, TestFollower, TestProcess } from '../support/lone.ts';
import { tempDir } from '../support/temp-dir.ts';
import { withFailingMint, withHeldRecord } from '../support/withheld.ts';

const by = 'uid:0';
const top = tempDir('taint');
const never = new AbortController().signal;

let clock: FakeClock;
let rooms: Awaited<ReturnType<typeof lone>>;

beforeEach(async () => {
  clock = new FakeClock();
  rooms = await lone({ dataDir: mkdtempSync(join(top, 'd')), clock });
  await rooms.registry.createEntry(
    { entryId: 'a', spiffeId: 'spiffe://example.org/a', selectors: ['unix:uid:1000'] },
    OPERATOR,
  );
});
afterEach(() => rooms.close());

/** Real I/O of the writer thread, which a fake clock does not drive. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 60));

const leafOf = (state: X509State | undefined): X509Certificate =>
  new X509Certificate(splitCertificates(state?.svids[0]?.chain as Buffer)[0] as Buffer);

/** Whether the SVID of a state is signed by this authority. */
const isUnder = (state: X509State | undefined, published: Buffer): boolean =>
  leafOf(state).verify(new X509Certificate(published).publicKey);

const publishedOf = (id: string): Buffer => rooms.authority.slots().find((one) => one.id === id)?.published as Buffer;

/** Another authority signs; answers the id of the one before, and the certificates of both. */
async function replaceAuthority(): Promise<{ old: string; oldDer: Buffer; newDer: Buffer }> {
  const old = rooms.authority.active().authorityId;
  await rooms.authority.prepare(by);
  const next = await rooms.authority.activate({ now: true, by });
  return { old, oldDer: publishedOf(old), newDer: publishedOf(next) };
}

const taint = (id: string): Promise<unknown> => rooms.authority.taint({ id, by });

describe('a stream across a taint', () => {
  it('I7, BUN-19: stays open and is given a new SVID under the active authority, with both roots until the revocation', async () => {
    const follower = new TestFollower();
    rooms.standings.followX509(new TestProcess(), follower);
    await follower.until(1);
    const { old, oldDer, newDer } = await replaceAuthority();
    await follower.until(2);
    await settle();
    // The new root was announced; the SVID is the one that it holds.
    const before = follower.states.length;
    expect(isUnder(follower.states.at(-1), oldDer)).toBe(true);
    await taint(old);
    await clock.advance(TAINT_SPREAD_MS);
    await follower.until(before + 1);
    await settle();
    expect(follower.failure).toBeUndefined();
    expect(follower.states).toHaveLength(before + 1);
    const last = follower.states.at(-1) as X509State;
    expect(isUnder(last, newDer)).toBe(true);
    expect(leafOf(last).serialNumber).not.toBe(leafOf(follower.states[0]).serialNumber);
    expect(last.svids[0]?.privateKey.equals(follower.states[0]?.svids[0]?.privateKey as Buffer)).toBe(false);
    expect(splitCertificates(last.bundle)).toHaveLength(2);

    await rooms.authority.revoke({ id: old, force: true, by });
    await follower.until(before + 2);
    expect(follower.failure).toBeUndefined();
    const after = follower.states.at(-1) as X509State;
    expect(splitCertificates(after.bundle)).toEqual([newDer]);
    expect(after.svids[0]?.privateKey).toBe(last.svids[0]?.privateKey);
  });

  it('of many, each has its turn within ten seconds, and they are spread evenly', async () => {
    const followers = Array.from({ length: 120 }, (_, i) => {
      const follower = new TestFollower();
      rooms.standings.followX509(new TestProcess(100 + i), follower);
      return follower;
    });
    await Promise.all(followers.map((one) => one.until(1)));
    const { old, newDer } = await replaceAuthority();
    await Promise.all(followers.map((one) => one.until(2)));
    await settle();
    const renewed = (): number => followers.filter((one) => isUnder(one.states.at(-1), newDer)).length;
    expect(renewed()).toBe(0);
    await taint(old);
    const counts: number[] = [];
    for (let second = 0; second < TAINT_SPREAD_MS / 1000; second += 1) {
      await clock.advance(1000);
      await settle();
      counts.push(renewed());
    }
    expect(counts.at(-1)).toBe(followers.length);
    // 12 a second on average; a burst of 40 in one would be one chance in 10^10.
    const each = counts.map((count, i) => count - (counts[i - 1] ?? 0));
    expect(Math.max(...each)).toBeLessThan(40);
    expect(Math.min(counts[4] as number, followers.length - (counts[4] as number))).toBeGreaterThan(20);
    expect(followers.every((one) => one.failure === undefined)).toBe(true);
  });

  it('I7: that is touched by another change before its turn is given all that it holds, and stays open', async () => {
    const follower = new TestFollower();
    rooms.standings.followX509(new TestProcess(), follower);
    await follower.until(1);
    const { old, newDer } = await replaceAuthority();
    await follower.until(2);
    await taint(old);
    await rooms.registry.createEntry(
      { entryId: 'b', spiffeId: 'spiffe://example.org/b', selectors: ['unix:uid:1000'] },
      OPERATOR,
    );
    await follower.until(3);
    await settle();
    expect(follower.states.every(({ svids }) => svids.length > 0)).toBe(true);
    expect(follower.states.at(-1)?.svids.map(({ spiffeId }) => spiffeId)).toEqual([
      'spiffe://example.org/a',
      'spiffe://example.org/b',
    ]);
    await clock.advance(TAINT_SPREAD_MS);
    await settle();
    expect(isUnder(follower.states.at(-1), newDer)).toBe(true);
    expect(follower.failure).toBeUndefined();
  });

  it('BUN-19: is given another SVID at once when the root is revoked before its turn', async () => {
    const follower = new TestFollower();
    rooms.standings.followX509(new TestProcess(), follower);
    await follower.until(1);
    const { old, newDer } = await replaceAuthority();
    await follower.until(2);
    await taint(old);
    await rooms.authority.revoke({ id: old, force: true, by });
    await follower.until(3);
    await settle();
    expect(isUnder(follower.states.at(-1), newDer)).toBe(true);
    expect(splitCertificates(follower.states.at(-1)?.bundle as Buffer)).toEqual([newDer]);
    expect(follower.failure).toBeUndefined();
  });

  it('BUN-19: that holds an SVID of another authority is left alone', async () => {
    const first = await replaceAuthority();
    const signed = new TestFollower();
    rooms.standings.followX509(new TestProcess(), signed);
    await signed.until(1);
    const { length } = signed.states;
    // Nothing was issued under the first one, so it may have left the bundle by itself.
    await taint(first.old).catch(() => undefined);
    await clock.advance(TAINT_SPREAD_MS);
    await settle();
    expect(new Set(signed.states.map((state) => leafOf(state).serialNumber)).size).toBe(1);
    expect(length).toBe(1);
  });

  it('I8: keeps the SVID it holds while none can be made, and tries again every five seconds only', async () => {
    const follower = new TestFollower();
    const world = withFailingMint(rooms);
    world.standings.followX509(new TestProcess(), follower);
    await follower.until(1);
    const { old, newDer } = await replaceAuthority();
    await follower.until(2);
    await taint(old);
    world.isFailing = true;
    await clock.advance(TAINT_SPREAD_MS);
    await settle();
    await clock.advance(30_000);
    await settle();
    expect(world.failed).toBeGreaterThanOrEqual(4);
    expect(world.failed).toBeLessThanOrEqual(9);
    expect(follower.failure).toBeUndefined();
    world.isFailing = false;
    await clock.advance(5_000);
    await settle();
    expect(isUnder(follower.states.at(-1), newDer)).toBe(true);
    world.standings.close();
  });
});

describe('an SVID that was made when its authority was tainted, and not sent', () => {
  it('BUN-19: is not sent: another one is', async () => {
    const follower = new TestFollower();
    const world = withHeldRecord(rooms);
    world.standings.followX509(new TestProcess(), follower);
    await world.reached;
    const { old, newDer } = await replaceAuthority();
    await taint(old);
    world.release();
    await follower.until(1);
    await settle();
    expect(follower.states).toHaveLength(1);
    expect(isUnder(follower.states[0], newDer)).toBe(true);
    world.standings.close();
  });

  it('BUN-19: nor when no other can be made', async () => {
    const follower = new TestFollower();
    const world = withHeldRecord(rooms);
    world.standings.followX509(new TestProcess(), follower);
    await world.reached;
    const { old } = await replaceAuthority();
    await taint(old);
    world.isFailing = true;
    world.release();
    await follower.until(1);
    expect(follower.states).toEqual([]);
    expect(follower.failure?.reason).toBe('NO_ACTIVE_AUTHORITY');
    world.standings.close();
  });
});

describe('a token', () => {
  it('of a tainted key is not given again: the next one is signed anew', async () => {
    const desk = rooms.standings.jwt!.caller(new TestProcess());
    const fetch = async (): Promise<string> => {
      let got = '';
      await desk.fetch({ audiences: ['aud'], spiffeId: '' }, never, ([svid]) => {
        got = svid?.token as string;
      });
      return got;
    };
    const kidOf = (token: string): string =>
      JSON.parse(Buffer.from(token.split('.')[0] as string, 'base64url').toString())['kid'];
    const first = await fetch();
    await rooms.jwt.prepare(by);
    const next = await rooms.jwt.activate({ now: true, by });
    await rooms.jwt.taint({ id: kidOf(first), by });
    const second = await fetch();
    expect(kidOf(second)).toBe(next);
    expect(await fetch()).toBe(second);
    expect(rooms.jwt.keys()).toHaveLength(2);
    const { sequence } = rooms.ownBundle();
    await rooms.jwt.revoke({ id: kidOf(first), force: true, by });
    expect(rooms.jwt.keys().map(({ kid }) => kid)).toEqual([next]);
    expect(rooms.ownBundle().sequence).toBe(sequence + 1);
    desk.close();
  });
});
