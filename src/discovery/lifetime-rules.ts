// SPDX-License-Identifier: Apache-2.0
/** How long tokens and documents live, as verifiers bear it. */
import { formatDuration } from '../lib/duration.ts';
import { broken, type Finding, fine } from './finding.ts';

/** Google STS, token exchange: `exp` less than 48 hours after `iat`. */
const TOO_LONG_MS = 48 * 3_600_000;
/** A key is announced for five refresh hints before it signs (docs/rotation.md). */
const HINTS_PER_LEAD = 5;

export function checkTokenLife(ttlMs: number): Finding {
  const text = `without a TTL of its own an entry's tokens live ${formatDuration(ttlMs)}`;
  return ttlMs >= TOO_LONG_MS
    ? broken('token life', text, 'lower svid.jwt_ttl to less than 48h', ['gcp'])
    : fine('token life', text);
}

/** Whoever keeps the key set that long has not seen a key that signs already. */
export function checkCacheLife(cacheControl: string | undefined, refreshHintSeconds: number): Finding {
  const name = 'cache life';
  const lead = HINTS_PER_LEAD * refreshHintSeconds;
  const announced = `and a key is announced ${formatDuration(lead * 1_000)} before it signs`;
  const age = /(?:^|[,\s])(?:s-maxage|max-age)=(\d{1,9})(?:$|[,\s])/i.exec(cacheControl ?? '')?.[1];
  if (age === undefined) return fine(name, `the key set names no time to keep it, ${announced}`);
  const text = `the key set may be kept ${formatDuration(Number(age) * 1_000)}, ${announced}`;
  return Number(age) < lead ? fine(name, text) : broken(name, text, 'let Cache-Control pass as the daemon sends it');
}
