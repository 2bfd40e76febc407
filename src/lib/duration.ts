// SPDX-License-Identifier: Apache-2.0
/** Durations as people write them: `500ms`, `90s`, `15m`, `24h`, `30d`, or several from large to small: `1h30m`. */

const UNITS: ReadonlyMap<string, number> = new Map([
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
]);

const WHOLE = /^(?:\d{1,9}d)?(?:\d{1,9}h)?(?:\d{1,9}m)?(?:\d{1,9}s)?(?:\d{1,9}ms)?$/;
const PART = /(\d+)(ms|[dhms])/g;

/** Milliseconds, or undefined when the text is no duration or larger than a number holds exactly. */
export function parseDuration(text: string): number | undefined {
  if (text === '' || !WHOLE.test(text)) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(PART)) total += Number(count) * UNITS.get(unit!)!;
  return Number.isSafeInteger(total) ? total : undefined;
}

/** The shortest text that `parseDuration` reads back as `ms`, to the whole millisecond; `0s` for nothing. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  if (!Number.isFinite(ms) || ms < 1) return `${ms}ms`;
  let left = Math.round(ms);
  let text = '';
  for (const [unit, size] of UNITS) {
    // 24h is said as such: days only from two on.
    if (unit === 'd' && left < 2 * size) continue;
    const count = Math.floor(left / size);
    if (count > 0) text += `${count}${unit}`;
    left -= count * size;
  }
  return text;
}

export const DURATION_HINT = 'write a number and a unit, such as 500ms, 90s, 15m, 24h or 30d';
