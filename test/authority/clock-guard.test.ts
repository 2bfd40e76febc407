// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { storedAcceptances } from '../../src/authority/clock-acceptances.ts';
import { type ClockAcceptances, ClockGuard, type ClockJump } from '../../src/authority/clock-guard.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { HOUR, memoryAcceptances } from '../support/authority.ts';
import { FakeClock } from '../support/fake-clock.ts';

function bench(over: { clock?: FakeClock; storedLatest?: number; acceptances?: ClockAcceptances } = {}) {
  const clock = over.clock ?? new FakeClock();
  const acceptances = over.acceptances ?? memoryAcceptances();
  const guard = new ClockGuard({ clock, storedLatest: over.storedLatest ?? 0, acceptances, log: silentLogger });
  const jumps: ClockJump[] = [];
  guard.onJump((jump) => jumps.push(jump));
  return { clock, guard, jumps };
}

describe('I8: a clock that goes back', () => {
  it('by 10 s is tolerated, by more is refused', () => {
    const { clock, guard } = bench();
    clock.jump(-10_000);
    expect(guard.check()).toBeUndefined();
    clock.jump(-1);
    expect(guard.check()).toMatchObject({ kind: 'unavailable', reason: 'CLOCK_BEHIND' });
    guard.close();
  });

  it('is measured against the latest time seen, not against the last look', () => {
    const { clock, guard } = bench();
    clock.jump(-6000);
    expect(guard.check()).toBeUndefined();
    clock.jump(-6000);
    expect(guard.check()?.reason).toBe('CLOCK_BEHIND');
    guard.close();
  });

  it('is refused until it has caught up, and listeners hear that it has', async () => {
    const { clock, guard, jumps } = bench();
    clock.jump(-60_000);
    expect(guard.check()).toBeDefined();
    await clock.advance(45_000);
    expect(guard.check()).toBeDefined();
    await clock.advance(6000);
    expect(guard.check()).toBeUndefined();
    expect(jumps.map(({ kind }) => kind)).toEqual(['back', 'caught-up']);
    guard.close();
  });

  it('says how far, since when, and what to do', () => {
    const { clock, guard } = bench();
    clock.jump(-3 * HOUR);
    const refusal = guard.check();
    expect(refusal?.message).toContain(
      '2029-12-31T21:00:00.000Z, 3h before the latest time seen, 2030-01-01T00:00:00.000Z',
    );
    expect(refusal?.hint).toContain('assay clock accept');
    guard.close();
  });

  it('while the daemon was down is seen at start, from the latest time in the store', () => {
    const clock = new FakeClock();
    const { guard } = bench({ clock, storedLatest: clock.now() + HOUR });
    expect(guard.check()?.reason).toBe('CLOCK_BEHIND');
    guard.close();
  });

  it('is taken as it stands once an operator has accepted it', async () => {
    const { clock, guard, jumps } = bench();
    clock.jump(-HOUR);
    expect(guard.check()).toBeDefined();
    const { latestSeen, now } = await guard.accept();
    expect(latestSeen - now).toBe(HOUR);
    expect(guard.check()).toBeUndefined();
    expect(jumps.map(({ kind }) => kind)).toEqual(['back', 'accepted']);
    clock.jump(-10_001);
    expect(guard.check()?.reason).toBe('CLOCK_BEHIND');
    guard.close();
  });
});

describe('an accepted clock', () => {
  it('stays accepted over a restart, from the time of the acceptance on', async () => {
    const clock = new FakeClock();
    const acceptances = memoryAcceptances();
    const storedLatest = clock.now() + HOUR;
    const first = bench({ clock, storedLatest, acceptances });
    await first.guard.accept();
    first.guard.close();
    const second = bench({ clock, storedLatest, acceptances });
    expect(second.guard.check()).toBeUndefined();
    clock.jump(-10_001);
    expect(second.guard.check()?.reason).toBe('CLOCK_BEHIND');
    second.guard.close();
  });

  it('is not accepted when that could not be made durable', async () => {
    const acceptances: ClockAcceptances = {
      accepted: () => undefined,
      accept: () => Promise.reject(new Error('disk full')),
    };
    const { clock, guard } = bench({ acceptances });
    clock.jump(-HOUR);
    await expect(guard.accept()).rejects.toThrow('disk full');
    expect(guard.check()).toBeDefined();
    guard.close();
  });

  it('is kept as values that are written once; the last of several counts', async () => {
    const meta = new Map<string, string>();
    const stored = storedAcceptances({
      getMeta: (key) => meta.get(key),
      setMetaOnce: async (key, value) => {
        if (meta.has(key)) throw new Error(`${key} is fixed`);
        meta.set(key, value);
      },
    });
    expect(stored.accepted(5000)).toBeUndefined();
    await stored.accept(5000, 3000);
    await stored.accept(5000, 2000);
    expect(stored.accepted(5000)).toBe(2000);
    expect(stored.accepted(5001)).toBeUndefined();
  });
});

describe('I8: a clock that jumps ahead', () => {
  it('is told to listeners within a second, though no one asks', async () => {
    const { clock, guard, jumps } = bench();
    await clock.advance(5000);
    expect(jumps).toEqual([]);
    clock.jump(HOUR);
    await clock.advance(1000);
    expect(jumps).toEqual([{ kind: 'ahead', byMs: HOUR, now: clock.now() }]);
    guard.close();
  });

  it('is told once', async () => {
    const { clock, guard, jumps } = bench();
    clock.jump(HOUR);
    guard.check();
    await clock.advance(10_000);
    expect(jumps).toHaveLength(1);
    guard.close();
  });

  it('does not stop issuing', () => {
    const { clock, guard } = bench();
    clock.jump(HOUR);
    expect(guard.check()).toBeUndefined();
    guard.close();
  });

  it('in steps that NTP may take unseen is no jump', async () => {
    const { clock, guard, jumps } = bench();
    for (let i = 0; i < 100; i += 1) {
      clock.jump(500);
      await clock.advance(1000);
    }
    expect(jumps).toEqual([]);
    guard.close();
  });
});

describe('a guard that is closed', () => {
  it('waits for nothing', () => {
    const { clock, guard } = bench();
    guard.close();
    expect(clock.pending).toBe(0);
  });
});
