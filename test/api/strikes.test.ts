// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { Strikes } from '../../src/api/strikes.ts';

describe('uids whose connections break HTTP/2', () => {
  it('B4: bars a uid after five within ten seconds of each other, for two seconds', () => {
    const strikes = new Strikes();
    for (let i = 0; i < 4; i += 1) strikes.note('1000', i * 100);
    expect(strikes.barred('1000', 400)).toBe(false);
    strikes.note('1000', 400);
    expect(strikes.barred('1000', 2_399)).toBe(true);
    expect(strikes.barred('1000', 2_400)).toBe(false);
    expect(strikes.barred('1001', 500)).toBe(false);
  });

  it('forgives a uid that behaves for ten seconds', () => {
    const strikes = new Strikes();
    for (let i = 0; i < 9; i += 1) strikes.note('1000', i * 10_001);
    expect(strikes.barred('1000', 80_010)).toBe(false);
  });

  it('I9: does not remember uids without end', () => {
    const strikes = new Strikes();
    for (let uid = 0; uid < 5_000; uid += 1) strikes.note(String(uid), uid * 100);
    expect(strikes.size).toBeLessThanOrEqual(1_100);
  });
});
