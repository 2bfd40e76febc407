// SPDX-License-Identifier: Apache-2.0
import { expect, it } from '@jest/globals';
import { LatencyHistogram } from '../../src/lib/latency-histogram.ts';

it('counts what took no longer than each bound, cumulatively', () => {
  const histogram = new LatencyHistogram();
  for (const ms of [0.05, 0.1, 0.2, 7, 99_999]) histogram.add(ms, ms > 1_000);
  const { buckets, count, sumMs, failed } = histogram.snapshot();
  const at = (bound: number): number | undefined => buckets.find(([ms]) => ms === bound)?.[1];
  expect([at(0.1), at(0.25), at(5), at(10), at(10_000)]).toEqual([2, 3, 3, 4, 4]);
  expect({ count, failed }).toEqual({ count: 5, failed: 1 });
  expect(sumMs).toBeCloseTo(100_006.35);
});
