// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseCertificate, splitCertificates } from '../../src/x509/parse.ts';
import { anchors } from '../support/anchors.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { lone, OPERATOR, TestFollower, TestProcess } from '../support/lone.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe('the X.509 identities of one caller', () => {
  let dataDir: string;
  let clock: FakeClock;
  let rooms: Awaited<ReturnType<typeof lone>>;
  let follower: TestFollower;
  let caller: TestProcess;

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'assay-errand-'));
    clock = new FakeClock();
    rooms = await lone({ dataDir, clock });
    follower = new TestFollower();
    caller = new TestProcess();
  });
  afterEach(async () => {
    await rooms.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const register = (name: string, more: object = {}) =>
    rooms.registry.createEntry(
      { entryId: name, spiffeId: `spiffe://example.org/${name}`, selectors: ['unix:uid:1000'], ...more },
      OPERATOR,
    );
  const follow = () => rooms.standings.followX509(caller, follower);
  const idsOf = (index: number): string[] => (follower.states[index]?.svids ?? []).map((svid) => svid.spiffeId);
  const leafOf = (state: number, svid = 0) => {
    const chain = follower.states[state]?.svids[svid]?.chain as Buffer;
    return parseCertificate(splitCertificates(chain)[0] as Buffer);
  };
  /** Real I/O of the writer thread, which a fake clock does not drive. */
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 60));
  const advance = async (ms: number): Promise<void> => {
    await clock.advance(ms);
    await settle();
  };

  it('WAPI-11, WAPI-14, WAPI-10: one SVID per granted identity, each with the key that fits it', async () => {
    await register('a');
    await register('b', { dnsNames: ['b.example'] });
    follow();
    await follower.until(1);
    expect(idsOf(0)).toEqual(['spiffe://example.org/a', 'spiffe://example.org/b']);
    for (const svid of follower.states[0]?.svids ?? []) {
      const leaf = new X509Certificate(splitCertificates(svid.chain)[0] as Buffer);
      const key = createPrivateKey({ key: svid.privateKey, format: 'der', type: 'pkcs8' });
      expect(leaf.checkPrivateKey(key)).toBe(true);
    }
    expect(follower.states[0]?.bundle.length).toBeGreaterThan(0);
  });

  it('WAPI-12, I7: no grant at the first call is PERMISSION_DENIED, with a reason', async () => {
    follow();
    await follower.until(1);
    expect(follower.states).toHaveLength(0);
    expect([follower.failure?.kind, follower.failure?.reason]).toEqual(['permission-denied', 'NO_ENTRY_MATCHES']);
  });

  it('WAPI-12, I7: the last grant going ends the stream with PERMISSION_DENIED; an earlier one leaves the rest', async () => {
    await register('a');
    await register('b');
    follow();
    await follower.until(1);
    await rooms.registry.deleteEntry('a', OPERATOR);
    await follower.until(2);
    expect(idsOf(1)).toEqual(['spiffe://example.org/b']);
    expect(follower.states[1]?.svids[0]).toBe(follower.states[0]?.svids[1]);
    await rooms.registry.deleteEntry('b', OPERATOR);
    await follower.until(3);
    expect(follower.states).toHaveLength(2);
    expect(follower.failure?.kind).toBe('permission-denied');
  });

  it('WAPI-05, WAPI-06, WAPI-18, I4: a new entry is pushed at once, keeps the default, and re-sends the key that is held', async () => {
    await register('a');
    follow();
    await follower.until(1);
    await advance(1000);
    await register('aa');
    await follower.until(2);
    expect(idsOf(1)).toEqual(['spiffe://example.org/a', 'spiffe://example.org/aa']);
    expect(follower.states[1]?.svids[0]?.privateKey).toBe(follower.states[0]?.svids[0]?.privateKey);
  });

  it('WAPI-07: a change that is none of the caller’s sends nothing', async () => {
    await register('a');
    follow();
    await follower.until(1);
    await rooms.registry.createEntry(
      { spiffeId: 'spiffe://example.org/other', selectors: ['unix:uid:2000'] },
      OPERATOR,
    );
    await rooms.registry.createEntry(
      { spiffeId: 'spiffe://example.org/more', selectors: ['unix:uid:1000', 'unix:gid:7'] },
      OPERATOR,
    );
    await settle();
    expect(follower.states).toHaveLength(1);
  });

  it('X509-30: renewed between 45 and 55 % of the life, once, with a new key, and the old one still valid', async () => {
    await register('a');
    follow();
    await follower.until(1);
    const first = leafOf(0);
    await advance(0.449 * HOUR);
    expect(follower.states).toHaveLength(1);
    await advance(0.102 * HOUR);
    await follower.until(2);
    expect(follower.states).toHaveLength(2);
    const second = leafOf(1);
    expect(second.serial).not.toBe(first.serial);
    expect(second.spki.equals(first.spki)).toBe(false);
    expect(first.notAfter).toBeGreaterThan(clock.now());
    expect(rooms.store.list({ entryId: 'a' }, { limit: 10 }).rows).toHaveLength(2);
  });

  it('I5: an SVID ends with its entry, is not renewed towards that end, and the stream ends there', async () => {
    const end = clock.now() + 20 * MINUTE;
    await register('a', { expiresAt: end });
    follow();
    await follower.until(1);
    expect(leafOf(0).notAfter).toBeLessThanOrEqual(end);
    await advance(19.9 * MINUTE);
    expect(follower.states).toHaveLength(1);
    await advance(0.2 * MINUTE);
    await follower.until(2);
    expect(follower.failure?.kind).toBe('permission-denied');
    expect(follower.failure?.reason).toBe('ENTRY_EXPIRED');
  });

  it('I5: when the end moves, the SVID that it cut short is renewed at once', async () => {
    const end = clock.now() + 20 * MINUTE;
    await register('a', { expiresAt: end });
    follow();
    await follower.until(1);
    await rooms.registry.updateEntry('a', { expiresAt: end + 10 * HOUR }, OPERATOR);
    await follower.until(2);
    expect(leafOf(1).notAfter).toBeGreaterThan(end);
  });

  it('I5: when the end is drawn nearer than the SVID’s, a shorter one replaces it at once', async () => {
    await register('a');
    follow();
    await follower.until(1);
    await rooms.registry.updateEntry('a', { expiresAt: clock.now() + 10 * MINUTE }, OPERATOR);
    await follower.until(2);
    expect(leafOf(1).notAfter).toBeLessThanOrEqual(clock.now() + 10 * MINUTE);
  });

  it('I4: an entry change that alters the certificate makes a new key; one that does not, does not', async () => {
    await register('a');
    follow();
    await follower.until(1);
    await rooms.registry.updateEntry('a', { dnsNames: ['a.example'] }, OPERATOR);
    await follower.until(2);
    expect(leafOf(1).dnsSans).toEqual(['a.example']);
    expect(follower.states[1]?.svids[0]?.privateKey).not.toEqual(follower.states[0]?.svids[0]?.privateKey);
    await rooms.registry.updateEntry('a', { hint: 'internal' }, OPERATOR);
    await follower.until(3);
    expect(follower.states[2]?.svids[0]?.hint).toBe('internal');
    expect(follower.states[2]?.svids[0]?.privateKey).toBe(follower.states[1]?.svids[0]?.privateKey);
  });

  it('WAPI-16: of two identities with the same hint only the older is returned; its end gives the hint to the other', async () => {
    await register('a', { hint: 'x' });
    await advance(1000);
    await register('b', { hint: 'x' });
    follow();
    await follower.until(1);
    expect(idsOf(0)).toEqual(['spiffe://example.org/a']);
    await rooms.registry.deleteEntry('a', OPERATOR);
    await follower.until(2);
    expect(idsOf(1)).toEqual(['spiffe://example.org/b']);
  });

  it('WAPI-15, WAPI-35, BUN-11: a federated bundle comes under its trust domain ID, and goes when it is deleted', async () => {
    const foreign = rooms.authority.bundle().certificates[0] as Buffer;
    const der = Buffer.from(foreign);
    await rooms.store.putBundle({ trustDomain: 'partner.test', ...anchors([der]), updatedAt: 1, updatedBy: 'test' });
    await rooms.store.putBundle({ trustDomain: '__proto__', ...anchors([der]), updatedAt: 1, updatedBy: 'test' });
    await register('a', { federatesWith: ['partner.test', '__proto__', 'absent.test'] });
    follow();
    await follower.until(1);
    expect([...(follower.states[0]?.federated.keys() ?? [])]).toEqual(['spiffe://__proto__', 'spiffe://partner.test']);
    await rooms.registry.deleteBundle('partner.test', 'dissociate', OPERATOR);
    await follower.until(2);
    expect([...(follower.states.at(-1)?.federated.keys() ?? [])]).toEqual(['spiffe://__proto__']);
    expect(follower.states.at(-1)?.svids[0]?.privateKey).toBe(follower.states[0]?.svids[0]?.privateKey);
  });

  it('I4, BUN-18: a new root reaches the caller with the SVID and key that it holds', async () => {
    await register('a');
    follow();
    await follower.until(1);
    await rooms.authority.prepare('test');
    await follower.until(2);
    expect(follower.states[1]?.bundle.length).toBeGreaterThan(follower.states[0]?.bundle.length ?? 0);
    expect(follower.states[1]?.svids[0]?.privateKey).toBe(follower.states[0]?.svids[0]?.privateKey);
  });

  it('I8: nothing is issued by a clock that went back; what is held stays; afterwards it goes on', async () => {
    await register('a');
    follow();
    await follower.until(1);
    clock.jump(-5 * MINUTE);
    const late = new TestFollower();
    rooms.standings.followX509(new TestProcess(101), late);
    await late.until(1);
    expect([late.failure?.kind, late.failure?.reason]).toEqual(['unavailable', 'CLOCK_BEHIND']);
    expect(follower.failure).toBeUndefined();
    await advance(5 * MINUTE);
    const again = new TestFollower();
    rooms.standings.followX509(new TestProcess(102), again);
    await again.until(1);
    expect(again.states).toHaveLength(1);
  });

  it('I8: a jump ahead renews what is due at once', async () => {
    await register('a');
    follow();
    await follower.until(1);
    clock.jump(50 * MINUTE);
    await advance(2000);
    await follower.until(2);
    expect(follower.states.length).toBeGreaterThanOrEqual(2);
  });

  it('A2: the end of the process ends its streams, and nothing is sent any more', async () => {
    await register('a');
    follow();
    await follower.until(1);
    caller.end('exec');
    expect(follower.failure?.reason).toBe('CALLER_CHANGED');
    await register('b');
    await settle();
    expect(follower.states).toHaveLength(1);
    expect(rooms.standings.size).toBe(0);
  });

  it('A2: a process that has ended before its call is looked at gets nothing', async () => {
    await register('a');
    caller.end('exited');
    follow();
    await follower.until(1);
    expect([follower.states.length, follower.failure?.reason]).toEqual([0, 'CALLER_CHANGED']);
    expect(rooms.standings.size).toBe(0);
  });

  it('B4: while a caller takes nothing, changes pile up as one: no key is made that would not be sent', async () => {
    let drained = (): void => undefined;
    follower.slow = new Promise((resolve) => {
      drained = resolve;
    });
    await register('a');
    follow();
    await follower.until(1);
    for (let i = 0; i < 20; i += 1) await rooms.registry.updateEntry('a', { dnsNames: [`a${i}.example`] }, OPERATOR);
    await settle();
    expect(rooms.store.list({ entryId: 'a' }, { limit: 100 }).rows).toHaveLength(1);
    follower.slow = undefined;
    drained();
    await follower.until(2);
    expect(leafOf(1).dnsSans).toEqual(['a19.example']);
    expect(rooms.store.list({ entryId: 'a' }, { limit: 100 }).rows).toHaveLength(2);
  });

  it('I10: no row and no file of the data folder holds a private key', async () => {
    await register('a');
    follow();
    await follower.until(1);
    const { readdirSync, readFileSync } = await import('node:fs');
    const key = follower.states[0]?.svids[0]?.privateKey as Buffer;
    // The scalar of the PKCS#8 of a P-256 key (RFC 5915 inside RFC 5208).
    const scalar = key.subarray(36, 68);
    for (const name of readdirSync(dataDir, { recursive: true, withFileTypes: true })) {
      if (!name.isFile()) continue;
      expect(readFileSync(join(name.parentPath, name.name)).includes(scalar)).toBe(false);
    }
  });
});
