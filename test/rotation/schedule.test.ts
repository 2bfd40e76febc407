// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  activateAt,
  announceMs,
  type Life,
  lastUseOf,
  leadOf,
  prepareAt,
  pruneAt,
  refreshHintSeconds,
} from '../../src/rotation/schedule.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

function life(since: number, ttl: number): Life {
  return { since, until: since + ttl };
}

describe('a CA of 24 h', () => {
  const ca = life(0, 24 * HOUR);
  const next = life(prepareAt(ca), 24 * HOUR);

  it('has its successor prepared when half of its life remains', () => {
    expect(prepareAt(ca)).toBe(12 * HOUR);
  });

  it('gives way when a sixth remains, after a lead of 8 h', () => {
    expect(activateAt(ca, next)).toBe(20 * HOUR);
    expect(activateAt(ca, next) - next.since).toBe(leadOf(ca));
    expect(leadOf(ca)).toBe(8 * HOUR);
  });

  it('BUN-05: asks consumers to refresh every 300 s', () => {
    expect(refreshHintSeconds([24 * HOUR])).toBe(300);
  });

  it('waits with a successor that was prepared late until it has been announced for five refresh hints', () => {
    const late = life(22 * HOUR, 24 * HOUR);
    expect(activateAt(ca, late)).toBe(22 * HOUR + 25 * MINUTE);
  });

  it('does not wait past its own last use for an announcement', () => {
    const veryLate = life(24 * HOUR - 30 * MINUTE, 24 * HOUR);
    expect(activateAt(ca, veryLate)).toBe(lastUseOf(ca));
    expect(lastUseOf(ca)).toBe(24 * HOUR - 24 * MINUTE);
  });

  it('gives way sooner to a successor whose own life is half over', () => {
    const shorter = life(12 * HOUR, HOUR);
    expect(activateAt(ca, shorter)).toBe(12 * HOUR + 30 * MINUTE);
    const early = life(HOUR, 24 * HOUR);
    expect(activateAt(ca, early)).toBe(13 * HOUR);
  });
});

describe('the refresh hint', () => {
  it.each([
    ['15m, the least normal ca.ttl', 15 * MINUTE, 60],
    ['1h', HOUR, 240],
    ['24h', 24 * HOUR, 300],
    ['a year', 365 * 24 * HOUR, 300],
    ['18s, the least under insecure_short_ca', 18 * SECOND, 1],
  ])('BUN-05: for a ca.ttl of %s is a whole number of seconds', (_, ttl, hint) => {
    expect(refreshHintSeconds([ttl])).toBe(hint);
  });

  it('follows the shortest-lived CA in the bundle', () => {
    expect(refreshHintSeconds([24 * HOUR, 15 * MINUTE])).toBe(60);
  });
});

describe('any two CAs in turn', () => {
  const ttl = fc.integer({ min: 18, max: 10 * 365 * 24 * 3600 }).map((seconds) => seconds * SECOND);

  it('BUN-19: a punctual successor is announced for at least five refresh hints', () => {
    fc.assert(
      fc.property(ttl, ttl, (a, b) => {
        const active = life(0, a);
        const prepared = life(prepareAt(active), b);
        const at = activateAt(active, prepared);
        expect(at).toBeLessThan(active.until);
        expect(at - prepared.since).toBeGreaterThanOrEqual(
          Math.min(announceMs(active, prepared), lastUseOf(active) - prepared.since),
        );
      }),
    );
  });

  it('a punctual successor still has half of its life and room for its own successor', () => {
    fc.assert(
      fc.property(ttl, (a) => {
        const active = life(0, a);
        const prepared = life(prepareAt(active), a);
        expect(activateAt(active, prepared)).toBeLessThanOrEqual(prepareAt(prepared));
        expect(announceMs(active, prepared)).toBeLessThanOrEqual(leadOf(active));
      }),
    );
  });
});

describe('an old CA', () => {
  it('BUN-19: leaves the bundle a second after the end of its last SVID, whose own last second is still valid', () => {
    expect(pruneAt(5000)).toBe(6000);
  });
});
