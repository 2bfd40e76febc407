// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { systemRandom } from '../../src/lib/random.ts';
import { renewAt } from '../../src/rotation/schedule.ts';

const HOUR = 3_600_000;
const issuedAt = Date.UTC(2030, 0, 1);
const svid = { issuedAt, notAfter: issuedAt + HOUR };

describe('X509-30: the renewal of an SVID', () => {
  it('falls at half of its life, 5 % to either side', () => {
    expect(renewAt({ ...svid, fraction: 0 })).toBe(issuedAt + 27 * 60_000);
    expect(renewAt({ ...svid, fraction: 0.5 })).toBe(issuedAt + 30 * 60_000);
    expect(renewAt({ ...svid, fraction: 1 - 2 ** -48 })).toBeLessThanOrEqual(issuedAt + 33 * 60_000);
  });

  it('of 20,000 SVIDs issued together is spread evenly over 45..55 % of their life', () => {
    const draws = Array.from(
      { length: 20_000 },
      () => renewAt({ ...svid, fraction: systemRandom.fraction() }) - issuedAt,
    );
    const percent = draws.map((ms) => (100 * ms) / HOUR);
    const mean = percent.reduce((sum, one) => sum + one, 0) / percent.length;
    const deviation = Math.sqrt(percent.reduce((sum, one) => sum + (one - mean) ** 2, 0) / percent.length);
    expect(Math.min(...percent)).toBeGreaterThanOrEqual(45);
    expect(Math.max(...percent)).toBeLessThanOrEqual(55);
    // Uniform over a width of 10: mean 50, deviation 10/sqrt(12) = 2.887. One redrawn at each check has about 0.7.
    expect(mean).toBeCloseTo(50, 0);
    expect(deviation).toBeGreaterThan(2.8);
    expect(deviation).toBeLessThan(2.98);
    // Chi-squared over 20 bins of 1,000: with 19 degrees of freedom 60 is exceeded once in 240,000 runs.
    const bins = new Array<number>(20).fill(0);
    for (const one of percent) bins[Math.min(19, Math.floor((one - 45) * 2))]! += 1;
    expect(bins.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)).toBeLessThan(60);
  });
});

describe('I5: an SVID cut short by an end', () => {
  it('is not renewed before that end', () => {
    const cutShortBy = issuedAt + 10 * 60_000;
    expect(renewAt({ issuedAt, notAfter: cutShortBy, cutShortBy, fraction: 0.5 })).toBe(cutShortBy);
  });
});
