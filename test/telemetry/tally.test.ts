// SPDX-License-Identifier: Apache-2.0
import { expect, it } from '@jest/globals';
import { Tally } from '../../src/telemetry/tally.ts';

it('counts by word', () => {
  const tally = new Tally();
  for (const word of ['A', 'B', 'A']) tally.add(word);
  expect([...tally.counts]).toEqual([
    ['A', 2],
    ['B', 1],
  ]);
});

it('I9: keeps 64 words, and counts the rest as one', () => {
  const tally = new Tally();
  for (let n = 0; n < 1_000; n += 1) tally.add(`W${n}`);
  tally.add('W0');
  expect(tally.counts.size).toBe(65);
  expect([tally.counts.get('W0'), tally.counts.get('OTHER')]).toEqual([2, 936]);
});
