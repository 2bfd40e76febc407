// SPDX-License-Identifier: Apache-2.0
/**
 * Rows as text, for the one time when all of them travel at once and for the registry that keeps a million of them:
 * fields end at US (0x1f), rows at RS (0x1e), control characters that no field may hold. Times and numbers are decimal;
 * an empty field is null where null is possible (there, text is never empty).
 *
 * The first field is the key. What an index reads of each row comes next, so that it need not look further.
 */
import type { EntryRecord, IdentityKind, IdentityRecord, IdentityState } from './records.ts';

export const FIELD_END = 0x1f;
export const ROW_END = 0x1e;

/** id, spiffeId, createdAt, parentId, selectors (one a line), then what only a reader of the whole wants. */
export function packEntry(entry: EntryRecord): string {
  const flag = (on: boolean): string => (on ? '1' : '0');
  return [
    entry.id,
    entry.spiffeId,
    entry.createdAt,
    entry.parentId,
    entry.selectors.join('\n'),
    entry.x509TtlSeconds ?? '',
    entry.jwtTtlSeconds ?? '',
    entry.dnsNames.join(' '),
    entry.federatesWith.join(' '),
    entry.hint,
    entry.expiresAt ?? '',
    entry.createdBy,
    entry.revision,
    flag(entry.claimedAccepted) +
      flag(entry.admin) +
      flag(entry.downstream) +
      flag(entry.storeSvid) +
      flag(entry.jwtJti),
  ].join('\x1f');
}

export function unpackEntry(row: string): EntryRecord {
  const field = row.split('\x1f');
  const flags = field[13] as string;
  return {
    id: field[0] as string,
    spiffeId: field[1] as string,
    parentId: field[3] as string,
    selectors: (field[4] as string).split('\n'),
    x509TtlSeconds: numberOrNull(field[5]),
    jwtTtlSeconds: numberOrNull(field[6]),
    dnsNames: words(field[7] as string),
    federatesWith: words(field[8] as string),
    hint: field[9] as string,
    expiresAt: numberOrNull(field[10]),
    createdAt: Number(field[2]),
    createdBy: field[11] as string,
    revision: Number(field[12]),
    claimedAccepted: flags[0] === '1',
    admin: flags[1] === '1',
    downstream: flags[2] === '1',
    storeSvid: flags[3] === '1',
    jwtJti: flags[4] === '1',
  };
}

/** Unpacks whole buffers, for whoever wants the records and has few. */
export function* entriesIn(chunks: Iterable<Buffer>): Iterable<EntryRecord> {
  for (const chunk of chunks) for (const row of chunk.toString().split('\x1e')) yield unpackEntry(row);
}

/** spiffeId, state, expiresAt, reviewBy, then what only a reader of the whole wants. */
export function packIdentity(identity: IdentityRecord): string {
  return [
    identity.spiffeId,
    identity.state,
    identity.expiresAt,
    identity.reviewBy ?? '',
    identity.owner,
    identity.purpose ?? '',
    identity.kind,
    identity.environment ?? '',
    labelsText(identity.labels),
    identity.stateReason ?? '',
    identity.stateSince,
    identity.createdAt,
    identity.createdBy,
    identity.revision,
    identity.deputy ?? '',
  ].join('\x1f');
}

export function unpackIdentity(row: string): IdentityRecord {
  const field = row.split('\x1f');
  return {
    spiffeId: field[0] as string,
    owner: field[4] as string,
    deputy: field[14] || null,
    purpose: field[5] || null,
    kind: field[6] as IdentityKind,
    environment: field[7] || null,
    labels: labelsOf(field[8] as string),
    state: field[1] as IdentityState,
    stateReason: field[9] || null,
    stateSince: Number(field[10]),
    expiresAt: Number(field[2]),
    reviewBy: numberOrNull(field[3]),
    createdAt: Number(field[11]),
    createdBy: field[12] as string,
    revision: Number(field[13]),
  };
}

/** JSON pairs, never an object (attack B7); JSON escapes control characters. */
export function labelsText(labels: ReadonlyMap<string, string>): string {
  return JSON.stringify([...labels]);
}

export function labelsOf(text: string): ReadonlyMap<string, string> {
  return new Map(text === '[]' ? [] : (JSON.parse(text) as [string, string][]));
}

/** What was joined with spaces. */
export function words(text: string): string[] {
  return text === '' ? [] : text.split(' ');
}

function numberOrNull(text: string | undefined): number | null {
  return text === '' || text === undefined ? null : Number(text);
}
