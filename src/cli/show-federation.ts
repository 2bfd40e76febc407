// SPDX-License-Identifier: Apache-2.0
/** A relationship with another trust domain, as fields and as JSON. */

import type { WireFederation } from '../api/admin/wire-federation.ts';
import type { Int64 } from '../api/admin/wire-values.ts';
import type { Io } from './io.ts';
import { instant, printFields, when } from './print.ts';

const textOrNull = (text: string): string | null => (text === '' ? null : text);
const instantOrNull = (at: Int64 | undefined): string | null => (at === undefined ? null : instant(Number(at)));

/** `bundle_sequence` is text: it may have more bits than a JSON number keeps. */
export function federationJson(one: WireFederation): object {
  return {
    trust_domain: one.trust_domain,
    url: one.url,
    profile: one.profile,
    endpoint_spiffe_id: textOrNull(one.endpoint_spiffe_id),
    origin: one.origin,
    created_at: instant(Number(one.created_at)),
    created_by: one.created_by,
    last_attempt_at: instantOrNull(one.last_attempt_at),
    last_success_at: instantOrNull(one.last_success_at),
    next_poll_at: instantOrNull(one.next_poll_at),
    last_result: textOrNull(one.last_result),
    last_reason: textOrNull(one.last_reason),
    failures: Number(one.failures),
    bundle_sequence: textOrNull(one.bundle_sequence ?? ''),
    bundle_updated_at: instantOrNull(one.bundle_updated_at),
  };
}

export function printFederation(io: Io, one: WireFederation): void {
  const now = io.now();
  const at = (ms: Int64 | undefined): string | undefined => (ms === undefined ? undefined : when(Number(ms), now));
  const reason = one.last_reason === '' ? '' : `: ${one.last_reason}`;
  printFields(io, [
    ['trust domain', one.trust_domain],
    ['url', one.url],
    ['profile', one.profile],
    ['endpoint', one.endpoint_spiffe_id === '' ? undefined : one.endpoint_spiffe_id],
    ['from', one.origin === 'config' ? 'the configuration' : one.created_by],
    ['since', at(one.created_at)],
    ['bundle', one.bundle_updated_at === undefined ? 'none' : at(one.bundle_updated_at)],
    ['sequence', one.bundle_sequence === '' ? 'none' : one.bundle_sequence],
    ['last result', one.last_result === '' ? undefined : `${one.last_result}${reason}`],
    ['last attempt', at(one.last_attempt_at)],
    ['last success', at(one.last_success_at) ?? 'never'],
    ['failures', one.failures === '0' ? undefined : one.failures],
    ['next poll', at(one.next_poll_at)],
  ]);
}
