// SPDX-License-Identifier: Apache-2.0
/** What was taken back: asked of the writer, and read at the start. */
import type { Database } from 'better-sqlite3';
import type { Change, IdentityRecord } from '../records.ts';
import type { RevocationScope, RevocationStore, RevokedSvid } from '../revocations.ts';
import { keyOf } from './revocation-commands.ts';
import { REVOKED_COLUMNS, REVOKED_FROM, revokedOf } from './revoked-rows.ts';
import { endedChanges, revocationChanges } from './task-changes.ts';
import { Op, type RevokedAnswer } from './wire.ts';
import type { Writer } from './writer.ts';

export class SqliteRevocationStore implements RevocationStore {
  readonly #db: Database;
  readonly #writer: Writer;

  constructor(db: Database, writer: Writer) {
    this.#db = db;
    this.#writer = writer;
  }

  async revoke(scope: RevocationScope, reason: string, by: string, at: number): Promise<readonly RevokedSvid[]> {
    const answer = await this.#writer.run(Op.revoke, [scope, reason, by, at], (done) => {
      const { seq, revoked } = done as RevokedAnswer;
      return revocationChanges(seq, keyOf(scope), revoked, by, at);
    });
    return (answer as RevokedAnswer).revoked;
  }

  unexpired(now: number): readonly RevokedSvid[] {
    const rows = this.#db.prepare(
      `SELECT ${REVOKED_COLUMNS} FROM ${REVOKED_FROM} WHERE t.revoked_at IS NOT NULL AND t.not_after > ?`,
    );
    return (rows.raw().all(now) as (readonly unknown[])[]).map(revokedOf);
  }
}

/** Of its entries that went, of itself, of its tasks, of what it was given, in that order. */
export function identityChanges(
  { seq, revoked, entryIds = [], ended = [], revokedSeq = 0 }: RevokedAnswer,
  identity: IdentityRecord,
  by: string,
  at: number,
): readonly Change[] {
  const key = identity.spiffeId;
  const own = seq + entryIds.length;
  return [
    ...entryIds.map((id, place) => ({ seq: seq + place, at, by, kind: 'entry', action: 'delete', key: id }) as const),
    { seq: own, at, by, kind: 'identity', action: 'put', key, identity },
    ...endedChanges(ended, by, at),
    ...revocationChanges(revokedSeq, key, revoked, by, at),
  ];
}
