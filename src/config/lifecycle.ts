// SPDX-License-Identifier: Apache-2.0
/** `lifecycle`: what time brings identities, and how long SVIDs of legacy ones live. */
import { DURATION_HINT, formatDuration, parseDuration } from '../lib/duration.ts';
import { LEAST_SVID_TTL_MS } from './lifetimes.ts';
import type { SettingsReader } from './reader.ts';
import { duration } from './settings.ts';
import type { Tree } from './yaml-tree.ts';

export interface LifecycleConfig {
  /** For so long after its end an identity can be renewed; then it retires, for good. */
  readonly graceMs: number;
  /** So long before its end or its review an identity is announced. The longest first; none switches announcements off. */
  readonly announceMs: readonly number[];
  /** The most for X509-SVIDs, JWT-SVIDs and WIT-SVIDs of identities of the kind `legacy`. */
  readonly legacyMaxTtlMs: number;
}

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;
/** Design decision 13. */
export const ANNOUNCE_MS: readonly number[] = [30 * DAY, 7 * DAY, DAY];
export const GRACE_MS = 90 * DAY;
export const LEGACY_MAX_TTL_MS = 10 * MINUTE;

const KEY = 'lifecycle.announce';
const MOST_ANNOUNCED = 8;
const EXAMPLE = 'write a list of durations, such as [30d, 7d, 1d]';

export function readLifecycle(reader: SettingsReader): LifecycleConfig {
  return {
    // Not less than a day: what was not renewed in time retires for good.
    graceMs: reader.read('lifecycle.grace', duration(GRACE_MS, { min: DAY, max: 3650 * DAY })),
    announceMs: readAnnounce(reader),
    legacyMaxTtlMs: reader.read(
      'lifecycle.legacy_max_ttl',
      duration(LEGACY_MAX_TTL_MS, { min: LEAST_SVID_TTL_MS, max: 3650 * DAY }),
    ),
  };
}

function readAnnounce(reader: SettingsReader): readonly number[] {
  const list = reader.tree(KEY);
  const isAbsent = list === undefined || (list.kind === 'scalar' && list.value === undefined);
  if (!isAbsent && list.kind !== 'list')
    reader.refuse(reader.placeOf(KEY, list.line), undefined, 'must be a list', EXAMPLE);
  const items = list?.kind === 'list' ? list.items : [];
  // guard: I9 test/config/lifecycle.test.ts
  if (items.length > MOST_ANNOUNCED)
    reader.refuse(reader.placeOf(KEY, list?.line), items.length, `is more than ${MOST_ANNOUNCED} durations`, EXAMPLE);
  const said = [...new Set(items.map((item, at) => readOne(reader, item, at)))].sort((a, b) => b - a);
  const announce = isAbsent ? ANNOUNCE_MS : said;
  const shown = announce.length === 0 ? 'none' : announce.map((ms) => formatDuration(ms)).join(', ');
  reader.explain(KEY, shown, isAbsent ? 'default' : reader.placeOf('file', list.line));
  return announce;
}

function readOne(reader: SettingsReader, item: Tree, at: number): number {
  const value = item.kind === 'scalar' ? item.value : undefined;
  const ms = typeof value === 'string' ? parseDuration(value) : undefined;
  if (ms !== undefined && ms >= MINUTE && ms <= 3650 * DAY) return ms;
  const why = ms === undefined ? 'is no duration' : 'is not between 1m and 3650d';
  reader.refuse(reader.placeOf(`${KEY}[${at}]`, item.line), value, why, ms === undefined ? DURATION_HINT : EXAMPLE);
  return MINUTE;
}
