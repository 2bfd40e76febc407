// SPDX-License-Identifier: Apache-2.0
/** Rows as the payloads of events: columns by name, bytes in base64. What reads a row again makes the same of it. */
import type { Json } from '../../lib/canonical-json.ts';
import { AUTHORITY_COLUMNS, type BundleValues, ENTRY_COLUMNS } from './rows.ts';
import type { Value } from './wire.ts';

export type Named = { readonly [name: string]: Json };

/** `columns` as in SQL; those in `but` are left out. */
export function namedRow(columns: string, values: readonly Value[], but: readonly string[] = []): Named {
  const row = Object.create(null) as Record<string, Json>;
  for (const [at, name] of columns.split(', ').entries())
    if (!but.includes(name)) row[name] = jsonOf(values[at] as Value);
  return row;
}

/** Made of the parent and the selectors, which are there. */
const MADE = ['selector_set'];

export function entryRow(values: readonly Value[]): Named {
  return namedRow(ENTRY_COLUMNS, values, MADE);
}

/** Raised by each issuance, which has an event of its own. */
const RAISED = ['last_svid_not_after'];

/** All of a kind, by id. */
export function authoritiesRow(kind: string, authorities: readonly (readonly Value[])[]): Named {
  const byId = authorities.toSorted((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));
  return { kind, authorities: byId.map((values) => namedRow(AUTHORITY_COLUMNS, values, RAISED)) };
}

export function bundleRow([trustDomain, certificates, jwtKeys, sequence, refreshHintSeconds]: BundleValues): Named {
  return {
    trust_domain: trustDomain,
    certificates: certificates.map(jsonOf),
    jwt_keys: jwtKeys.map(([kid, publicKey]) => ({ kid, public_key: jsonOf(publicKey) })),
    sequence,
    refresh_hint_seconds: refreshHintSeconds,
  };
}

function jsonOf(value: Value): Json {
  return typeof value === 'object' && value !== null ? Buffer.from(value).toString('base64') : value;
}
