// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { Backoff } from '../../src/client/backoff.ts';
import { systemRandom } from '../../src/lib/random.ts';

const fixed = (fraction: number) => ({ bytes: () => Buffer.alloc(0), fraction: () => fraction });

describe('the wait before the next attempt', () => {
  it('CLI-17: grows by a second up to 30 and starts over at a message', () => {
    const backoff = new Backoff(fixed(0.5));
    const waits = Array.from({ length: 40 }, () => backoff.next());
    expect(waits.slice(0, 3)).toEqual([1_000, 2_000, 3_000]);
    expect(waits.at(-1)).toBe(30_000);
    backoff.reset();
    expect(backoff.next()).toBe(1_000);
  });

  it('is spread by a fifth to either side, and never over 30 s', () => {
    expect(new Backoff(fixed(0)).next()).toBe(800);
    expect(new Backoff(fixed(1)).next()).toBeCloseTo(1_200);
    const backoff = new Backoff(systemRandom);
    const waits = Array.from({ length: 500 }, () => backoff.next());
    expect(Math.max(...waits)).toBeLessThanOrEqual(30_000);
    expect(new Set(waits.slice(100)).size).toBeGreaterThan(100);
  });

  it('is at most a tenth of a second after a stream that had settled', () => {
    expect(new Backoff(fixed(0.999)).soon()).toBeLessThan(100);
  });
});
