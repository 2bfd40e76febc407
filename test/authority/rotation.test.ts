// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { memoryKeyManager } from '../../src/authority/keys/memory.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { type Bench, HOUR, leafRequest, MINUTE, recorded, startAuthority } from '../support/authority.ts';

const SECOND = 1000;

function slotsOf({ authority }: Bench): string {
  return authority
    .slots()
    .map(({ slot }) => slot)
    .sort()
    .join(' ');
}

async function issue(bench: Bench): Promise<void> {
  const leaf = await bench.authority.mintLeaf(leafRequest());
  expect(recorded(bench, leaf)).toBe(true);
}

describe('a CA of 24 h, left alone', () => {
  it('is followed by one prepared at 12 h and active at 20 h, and leaves the bundle once all it signed has expired', async () => {
    const bench = await startAuthority();
    const { authority, clock, close } = bench;
    const [first] = authority.slots();
    await clock.advance(12 * HOUR - 1);
    expect(slotsOf(bench)).toBe('active');
    await clock.advance(1);
    expect(slotsOf(bench)).toBe('active prepared');
    expect(authority.active().authorityId).toBe(first!.id);
    await clock.advance(8 * HOUR - 1);
    await issue(bench);
    expect(authority.active().authorityId).toBe(first!.id);
    await clock.advance(1);
    expect(slotsOf(bench)).toBe('active old');
    expect(authority.active().authorityId).not.toBe(first!.id);
    await clock.advance(HOUR - 1);
    expect(slotsOf(bench)).toBe('active old');
    await clock.advance(SECOND);
    expect(slotsOf(bench)).toBe('active');
    await close();
  });

  it('prepares one successor every 12 h, whatever the day', async () => {
    const bench = await startAuthority();
    const { authority, clock, close } = bench;
    await issue(bench);
    const seen = new Set<string>();
    for (let hour = 0; hour < 96; hour += 1) {
      for (const one of authority.slots()) seen.add(one.id);
      await issue(bench);
      await clock.advance(HOUR);
    }
    // The first, then one at each of 12, 24, ... 84 h (the one of 96 h is not in yet).
    expect(seen.size).toBe(8);
    expect(authority.health()).toEqual({ state: 'ok', reasons: [] });
    await close();
  });
});

describe('BUN-18 and BUN-19: over two days of issuing every minute', () => {
  it('nothing is signed by a key that was not in the bundle for its lead, and no root leaves before its last SVID', async () => {
    const bench = await startAuthority();
    const { authority, clock, close } = bench;
    const publishedSince = new Map<string, number>();
    const valid: { authorityId: string; notAfter: number }[] = [];
    const firstId = authority.active().authorityId;
    for (let minute = 0; minute < 48 * 60; minute += 5) {
      for (const one of authority.slots()) if (!publishedSince.has(one.id)) publishedSince.set(one.id, clock.now());
      const leaf = await authority.mintLeaf(leafRequest());
      expect(recorded(bench, leaf)).toBe(true);
      valid.push(leaf);
      if (leaf.authorityId !== firstId)
        expect(clock.now() - publishedSince.get(leaf.authorityId)!).toBeGreaterThanOrEqual(8 * HOUR - 5 * MINUTE);
      const inBundle = new Set(authority.slots().map(({ id }) => id));
      for (const svid of valid) if (svid.notAfter >= clock.now()) expect(inBundle.has(svid.authorityId)).toBe(true);
      await clock.advance(5 * MINUTE);
    }
    expect(new Set(valid.map((svid) => svid.authorityId)).size).toBe(4);
    await close();
  });
});

describe('BUN-03: the sequence of the own bundle', () => {
  it('grows with each change of its certificates, and not by activation', async () => {
    const bench = await startAuthority();
    const { authority, clock, close } = bench;
    await issue(bench);
    const log: [string, number][] = [];
    authority.onChange(({ cause }) => log.push([cause, authority.show().bundleSequence]));
    await clock.advance(24 * HOUR);
    expect(log).toEqual([
      ['prepare', 2],
      ['activate', 2],
      // Nothing was signed in its last hours, so it leaves at once.
      ['prune', 3],
      ['prepare', 4],
    ]);
    await close();
  });

  it('and its bytes are the same object until they change, in the same order after', async () => {
    const { authority, clock, close } = await startAuthority();
    const before = authority.bundle();
    await clock.advance(11 * HOUR);
    expect(authority.bundle()).toBe(before);
    await clock.advance(HOUR);
    const after = authority.bundle();
    expect(after.certificates[0]).toEqual(before.certificates[0]);
    expect(after.certificates).toHaveLength(2);
    await close();
  });
});

describe('a listener', () => {
  it('finds the new signer and the new bundle, and learns which of the two changed', async () => {
    const { authority, clock, close } = await startAuthority();
    const seen: object[] = [];
    const undo = authority.onChange(({ cause, signerChanged, bundleChanged }) =>
      seen.push({ cause, signerChanged, bundleChanged, roots: authority.bundle().certificates.length }),
    );
    await clock.advance(20 * HOUR);
    expect(seen).toEqual([
      { cause: 'prepare', signerChanged: false, bundleChanged: true, roots: 2 },
      { cause: 'activate', signerChanged: true, bundleChanged: false, roots: 2 },
      { cause: 'prune', signerChanged: false, bundleChanged: true, roots: 1 },
    ]);
    undo();
    await clock.advance(20 * HOUR);
    expect(seen).toHaveLength(3);
    await close();
  });
});

describe('a rotation that fails', () => {
  it('I8: leaves the active CA signing, shows in health, and goes on by itself', async () => {
    const bench = await startAuthority();
    const { authority, clock, store, close } = bench;
    store.failure = new Error('disk full');
    await clock.advance(13 * HOUR);
    expect(slotsOf(bench)).toBe('active');
    await authority.mintLeaf(leafRequest());
    const { state, reasons } = authority.health();
    expect(state).toBe('warning');
    expect(reasons[0]).toMatch(/^rotation has failed \d+ times in 1h: see the log$/);
    store.failure = undefined;
    await clock.advance(MINUTE);
    expect(slotsOf(bench)).toBe('active prepared');
    expect(authority.health()).toEqual({ state: 'ok', reasons: [] });
    await close();
  });

  it('leaves no key behind for each try', async () => {
    const keyManager = memoryKeyManager({ random: systemRandom });
    const { clock, store, close } = await startAuthority({ keyManager });
    store.failure = new Error('disk full');
    await clock.advance(13 * HOUR);
    expect(await keyManager.list()).toHaveLength(1);
    await close();
  });

  it('until the CA has expired says so, and makes an unannounced root as soon as it can', async () => {
    const bench = await startAuthority();
    const { authority, clock, store, close } = bench;
    await issue(bench);
    const before = authority.active().authorityId;
    store.failure = new Error('disk full');
    await clock.advance(24 * HOUR);
    expect(authority.health().state).toBe('failing');
    expect(authority.health().reasons[0]).toContain(`the active authority ${before} expired at`);
    store.failure = undefined;
    await clock.advance(MINUTE);
    expect(authority.active().authorityId).not.toBe(before);
    expect(authority.health().state).toBe('warning');
    expect(authority.health().reasons[0]).toContain('unannounced');
    await clock.advance(25 * MINUTE);
    expect(authority.health()).toEqual({ state: 'ok', reasons: [] });
    await close();
  });

  it('late in a CA’s life activates the late successor after five refresh hints', async () => {
    const bench = await startAuthority();
    const { authority, clock, store, close } = bench;
    await issue(bench);
    const before = authority.active().authorityId;
    store.failure = new Error('disk full');
    await clock.advance(22 * HOUR);
    store.failure = undefined;
    await clock.advance(MINUTE);
    expect(slotsOf(bench)).toBe('active prepared');
    const preparedAt = authority.slots().find(({ slot }) => slot === 'prepared')!.preparedAt;
    await clock.advance(preparedAt + 25 * MINUTE - clock.now() - 1);
    expect(authority.active().authorityId).toBe(before);
    await clock.advance(1);
    expect(authority.active().authorityId).not.toBe(before);
    await close();
  });
});

describe('I8: rotation and the wall clock', () => {
  it('a jump ahead is followed at once: the prepared CA becomes active', async () => {
    const bench = await startAuthority();
    const { authority, clock, guard, close } = bench;
    await clock.advance(12 * HOUR);
    const before = authority.active().authorityId;
    clock.jump(8 * HOUR);
    guard.check();
    await clock.advance(0);
    expect(authority.active().authorityId).not.toBe(before);
    await close();
  });

  it('no CA is made while the clock is behind; once it is accepted, at once', async () => {
    const bench = await startAuthority();
    const { authority, clock, guard, store, close } = bench;
    store.failure = new Error('disk full');
    await clock.advance(14 * HOUR);
    clock.jump(-HOUR);
    store.failure = undefined;
    await clock.advance(5 * MINUTE);
    expect(slotsOf(bench)).toBe('active');
    expect(authority.health().state).toBe('failing');
    await guard.accept();
    await clock.advance(0);
    expect(slotsOf(bench)).toBe('active prepared');
    await close();
  });

  it('an operator’s step is refused while the clock is behind', async () => {
    const { authority, clock, close } = await startAuthority();
    clock.jump(-HOUR);
    await expect(authority.prepare('uid:0')).rejects.toMatchObject({ reason: 'CLOCK_BEHIND' });
    await close();
  });
});
