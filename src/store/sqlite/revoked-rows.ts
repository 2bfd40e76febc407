// SPDX-License-Identifier: Apache-2.0
/** Of issuances, what a revocation says. */
import type { RevokedSvid } from '../revocations.ts';

export const REVOKED_FROM = 'issuance t JOIN identity i ON i.no = t.identity_no';
export const REVOKED_COLUMNS =
  'lower(hex(t.serial)), t.kind, i.spiffe_id, t.entry_id, t.authority_id, t.not_after, t.revoked_at';

export function revokedOf(row: readonly unknown[]): RevokedSvid {
  return {
    serial: row[0] as string,
    kind: row[1] as RevokedSvid['kind'],
    spiffeId: row[2] as string,
    entryId: row[3] as string,
    authorityId: row[4] as string,
    notAfter: row[5] as number,
    revokedAt: row[6] as number,
  };
}
