// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { leafEnd } from '../../src/rotation/schedule.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('I5: the end of an SVID', () => {
  const now = Date.UTC(2030, 0, 1);

  it('is what was asked for, where nothing ends sooner', () => {
    expect(leafEnd(now, HOUR, [now + DAY, now + HOUR])).toEqual({ notAfter: now + HOUR, cutShortBy: undefined });
  });

  it.each([
    ['the first', [now + 5 * MINUTE, now + DAY]],
    ['the last', [now + DAY, now + HOUR, now + 5 * MINUTE]],
  ])('is the least of all ends, and says which cut it short: %s', (_, ends) => {
    expect(leafEnd(now, HOUR, ends)).toEqual({ notAfter: now + 5 * MINUTE, cutShortBy: now + 5 * MINUTE });
  });

  it('is a whole second and never later than what cut it short', () => {
    expect(leafEnd(now, HOUR, [now + 1999])).toEqual({ notAfter: now + SECOND, cutShortBy: now + 1999 });
  });
});
