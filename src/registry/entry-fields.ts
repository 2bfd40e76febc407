// SPDX-License-Identifier: Apache-2.0
/** Each field of an entry: outside value in, stored value or a refusal that names field, value, rule and next step out. */
import { LEAST_SVID_TTL_MS, overCaShare } from '../config/lifetimes.ts';
import { parseDnsName } from '../identity/dns-name.ts';
import { Selector, strengthOf } from '../identity/selector.ts';
import { SpiffeId } from '../identity/spiffe-id.ts';
import { TrustDomain } from '../identity/trust-domain.ts';
import { formatDuration } from '../lib/duration.ts';
import { Failure, quote } from '../lib/failure.ts';
import type { EntryRules } from './rules.ts';

/** Crockford base 32, 26 characters, the first at most 7 (ULID specification); letters of either case. */
const TASK_PATH = /\/task\/[0-7][0-9a-hjkmnp-tv-z]{25}$/i;
const ENTRY_ID = /^[A-Za-z0-9._-]{1,255}$/;

export function parseEntrySpiffeId(text: unknown, rules: EntryRules): string {
  const field = 'spiffe_id';
  const id = SpiffeId.parseWorkload(text, field);
  // guard: ID-18 test/registry/entry-fields.test.ts
  if (!id.memberOf(rules.trustDomain)) {
    throw refused('FOREIGN_TRUST_DOMAIN', field, text, `it is not in the trust domain ${rules.trustDomain.name}`, {
      hint: `write an ID that begins with ${rules.trustDomain.id}/`,
    });
  }
  // guard: ID-18 test/registry/entry-fields.test.ts — design section 5: these paths are the daemon's own
  if (id.path === '/spire' || id.path.startsWith('/spire/')) {
    throw refused('PATH_RESERVED', field, text, 'paths at and below /spire are kept for the system itself');
  }
  // guard: ID-18 test/registry/entry-fields.test.ts — design section 5: a task's identity is made by its task
  if (TASK_PATH.test(id.path)) {
    throw refused('PATH_RESERVED', field, text, 'paths that end in /task/ and a ULID are kept for tasks');
  }
  return id.toString();
}

export function parseParentId(text: unknown, rules: EntryRules): string {
  const id = SpiffeId.parseWorkload(text, 'parent_id');
  if (!id.memberOf(rules.trustDomain)) {
    throw refused('FOREIGN_TRUST_DOMAIN', 'parent_id', text, `it is not in the trust domain ${rules.trustDomain.name}`);
  }
  return id.toString();
}

export function parseEntryId(text: unknown): string {
  if (typeof text === 'string' && ENTRY_ID.test(text)) return text;
  throw refused('ENTRY_ID_INVALID', 'entry_id', text, 'it is 1 to 255 letters, digits, dots, dashes, underscores');
}

/** Sorted and distinct. */
export function parseSelectors(texts: readonly unknown[], rules: EntryRules): string[] {
  const distinct = new Set(texts.map((text) => Selector.parse(text, 'selector').toString()));
  if (distinct.size === 0) {
    throw new Failure('invalid-argument', 'SELECTOR_MISSING', 'an entry needs at least one selector', {
      field: 'selector',
      hint: 'write type:value, such as unix:uid:1000',
    });
  }
  // guard: I9 test/registry/entry-fields.test.ts
  refuseAbove(distinct.size, rules.limits.selectorsPerEntry, 'selector', 'selectors', 'selectors_per_entry');
  return [...distinct].sort();
}

/** Attack A1: true when nothing stronger than claimed stands in the list; a kind nobody here gives counts as claimed. */
export function claimedAlone(selectors: readonly string[], rules: EntryRules): boolean {
  const kinds = rules.kinds();
  return selectors.every((selector) => (strengthOf(selector, kinds) ?? 'claimed') === 'claimed');
}

export function refuseClaimedAlone(selectors: readonly string[], rules: EntryRules): never {
  const unknown = unknownKinds(selectors, rules);
  const nobody = unknown.length === 0 ? '' : `; no attestor that runs here gives ${unknown.join(', ')}`;
  throw new Failure(
    'failed-precondition',
    'CLAIMED_SELECTORS_ONLY',
    `the selectors ${kindsIn(selectors).join(', ')} are only claimed: any program of the same user can take them on${nobody}`,
    {
      field: 'selector',
      value: kindsIn(selectors).join(', '),
      hint: 'add a selector that the kernel vouches for, such as unix:uid:1000, or say --accept-claimed-selectors',
    },
  );
}

/** Kinds in `selectors` that no attestor that runs here gives; such a selector never holds. */
export function unknownKinds(selectors: readonly string[], rules: EntryRules): string[] {
  const kinds = rules.kinds();
  return kindsIn(selectors.filter((selector) => strengthOf(selector, kinds) === undefined));
}

/** `unix:path`, without the value, which may be a secret (I10). */
function kindsIn(selectors: readonly string[]): string[] {
  const shown = selectors.map((selector) => {
    const parts = selector.split(':', 3);
    return parts.length === 3 ? `${parts[0]}:${parts[1]}` : `${parts[0]}`;
  });
  return [...new Set(shown)];
}

/** Whole seconds; I5. */
export function parseTtl(seconds: unknown, field: 'x509_ttl' | 'jwt_ttl', rules: EntryRules): number {
  if (typeof seconds !== 'number' || !Number.isSafeInteger(seconds)) {
    throw refused('TTL_INVALID', field, seconds, 'it is not a whole number of seconds');
  }
  const value = formatDuration(seconds * 1_000);
  // guard: I5 test/registry/entry-fields.test.ts
  if (seconds * 1_000 < LEAST_SVID_TTL_MS) {
    const least = formatDuration(LEAST_SVID_TTL_MS);
    throw refused('TTL_INVALID', field, value, `it is under ${least}, the shortest life there is`);
  }
  const tooLong = overCaShare(seconds * 1_000, rules.caTtlMs(), field);
  // guard: I5 test/registry/entry-fields.test.ts
  if (tooLong !== undefined)
    throw refused('TTL_INVALID', field, value, `it is ${tooLong.broken}`, { hint: tooLong.hint });
  return seconds;
}

/** In the order given: the first is the certificate's common name. */
export function parseDnsNames(texts: readonly unknown[], rules: EntryRules): string[] {
  // guard: I9 test/registry/entry-fields.test.ts
  refuseAbove(texts.length, rules.limits.dnsNamesPerEntry, 'dns_name', 'DNS names', 'dns_names_per_entry');
  const names = new Set<string>();
  for (const text of texts) {
    const name = parseDnsName(text, 'dns_name');
    if (names.has(name)) throw refused('DNS_NAME_REPEATED', 'dns_name', text, 'it is given twice');
    names.add(name);
  }
  return [...names];
}

/** Sorted and distinct. */
export function parseFederatesWith(texts: readonly unknown[], rules: EntryRules): string[] {
  const names = new Set<string>();
  for (const text of texts) {
    const name = TrustDomain.parse(text, 'federates_with');
    // guard: WAPI-15 test/registry/entry-fields.test.ts
    if (name.equals(rules.trustDomain)) {
      throw refused('FEDERATES_WITH_OWN', 'federates_with', text, 'it is our own trust domain, whose bundle all get');
    }
    names.add(name.name);
  }
  const limit = rules.limits.federatesWithPerEntry;
  // guard: I9 test/registry/entry-fields.test.ts
  refuseAbove(names.size, limit, 'federates_with', 'trust domains', 'federates_with_per_entry');
  return [...names].sort();
}

/** Milliseconds UTC, later than now. */
export function parseExpiry(at: unknown, field: string, now: number): number {
  if (typeof at !== 'number' || !Number.isSafeInteger(at) || at > MAX_DATE_MS) {
    throw refused('EXPIRY_INVALID', field, at, 'it is not a time');
  }
  // guard: I5 test/registry/entry-fields.test.ts
  if (at <= now) throw refused('EXPIRY_INVALID', field, new Date(at).toISOString(), 'it is in the past');
  return at;
}

/** The last second of the year 9999, the end of GeneralizedTime in certificates (RFC 5280 section 4.1.2.5). */
const MAX_DATE_MS = 253_402_300_799_000;

export function refuseAbove(count: number, limit: number, field: string, things: string, limitName: string): void {
  if (count <= limit) return;
  throw new Failure(
    'resource-exhausted',
    'LIMIT_REACHED',
    `${count} ${things} are refused: at most ${limit} are allowed (limits.${limitName})`,
    { field, value: String(count), hint: `use fewer, or raise limits.${limitName}` },
  );
}

function refused(
  reason: string,
  field: string,
  value: unknown,
  broken: string,
  detail: { readonly hint?: string } = {},
): Failure {
  return new Failure('invalid-argument', reason, `${field} ${quote(value)} is refused: ${broken}`, {
    field,
    value: quote(value),
    ...detail,
  });
}
