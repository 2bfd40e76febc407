// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { LONGEST_MS, leftMs, pollIntervalMs, WITHOUT_HINT_MS, withJitter } from '../../src/federation/schedule.ts';

const RULES = { shortestMs: 60_000, withoutHintMs: WITHOUT_HINT_MS, longestMs: LONGEST_MS };

describe('when a bundle is fetched again', () => {
  it.each([
    ['at the hint', 600, 600_000],
    ['BUN-06: after five minutes without a hint', null, 300_000],
    ['not before the floor', 1, 60_000],
    ['not before the floor for a hint of nothing', 0, 60_000],
    ['within a day', 10 * 365 * 86_400, 86_400_000],
    ['within a day for the largest number', Number.MAX_SAFE_INTEGER, 86_400_000],
  ])('FED-20: %s', (_, hint, ms) => {
    expect(pollIntervalMs(hint, RULES)).toBe(ms);
  });

  it.each([
    [0, 600_000],
    [0.5, 570_000],
    [0.999, 540_060],
  ])('up to a tenth early, by %d', (fraction, ms) => {
    expect(withJitter(600_000, fraction, RULES)).toBe(ms);
    expect(withJitter(60_000, fraction, RULES)).toBe(60_000);
  });

  it('whichever clock comes first counts: suspended, set back, or neither', () => {
    const due = { wall: 1_000_000, monotonic: 500_000 };
    expect(leftMs(due, { wall: 900_000, monotonic: 400_000 })).toBe(100_000);
    expect(leftMs(due, { wall: 990_000, monotonic: 400_000 })).toBe(10_000);
    expect(leftMs(due, { wall: 0, monotonic: 450_000 })).toBe(50_000);
    expect(leftMs(due, { wall: 2_000_000, monotonic: 400_000 })).toBe(0);
  });
});
