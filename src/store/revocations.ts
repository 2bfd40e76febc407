// SPDX-License-Identifier: Apache-2.0
/** What was issued and taken back before its end. */
import type { SvidKind } from './records.ts';

/** Which issuances: each that is neither expired nor revoked yet, of all that is named. */
export type RevocationScope =
  | { readonly what: 'serial'; readonly serial: string }
  | { readonly what: 'entry'; readonly entryId: string }
  | { readonly what: 'identity'; readonly spiffeId: string }
  | { readonly what: 'task'; readonly taskId: string }
  | { readonly what: 'authority'; readonly authorityId: string };

export interface RevokedSvid {
  /** As of an issuance: lower-case hex. */
  readonly serial: string;
  readonly kind: SvidKind;
  readonly spiffeId: string;
  readonly entryId: string;
  readonly authorityId: string;
  readonly notAfter: number;
  readonly revokedAt: number;
}

export interface RevocationStore {
  /** In one transaction. Resolves with what it revoked, perhaps nothing. */
  revoke(scope: RevocationScope, reason: string, by: string, at: number): Promise<readonly RevokedSvid[]>;
  /** Revoked, and not expired at `now`. */
  unexpired(now: number): readonly RevokedSvid[];
}
