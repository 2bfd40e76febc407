// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatDuration, parseDuration } from '../../src/lib/duration.ts';

describe('a duration', () => {
  it.each([
    ['500ms', 500],
    ['90s', 90_000],
    ['15m', 900_000],
    ['1h', 3_600_000],
    ['1h30m', 5_400_000],
    ['24h', 86_400_000],
    ['30d', 2_592_000_000],
    ['1d2h3m4s5ms', 93_784_005],
    ['0s', 0],
  ])('is read from %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    '',
    '5',
    's',
    '1H',
    '1.5h',
    '-1h',
    '+1h',
    ' 1h',
    '1h ',
    '1m1h',
    '1h1h',
    '1 h',
    'PT1H',
    '1e3s',
    '٣s',
    '9999999999d',
    '999999999d',
  ])('is none in %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it.each([
    [90 * 60_000, '1h30m'],
    [86_400_000, '24h'],
    [30 * 3_600_000, '30h'],
    [50 * 3_600_000, '2d2h'],
    [1500, '1s500ms'],
    [1500.4, '1s500ms'],
    [0, '0s'],
    [-5, '-5ms'],
  ])('of %d ms is written %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it('is read back from whatever is written', () => {
    fc.assert(
      fc.property(fc.nat({ max: 10 ** 14 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });
});
