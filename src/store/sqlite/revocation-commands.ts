// SPDX-License-Identifier: Apache-2.0
/** Takes back what was issued, in the writer thread; each method runs inside a savepoint. */
import type { Database, Statement } from 'better-sqlite3';
import type { RevocationScope, RevokedSvid } from '../revocations.ts';
import type { ChangeLog } from './change-log.ts';
import type { EventLog } from './event-log.ts';
import { REVOKED_COLUMNS, REVOKED_FROM, revokedOf } from './revoked-rows.ts';
import type { RevokedAnswer } from './wire.ts';

/** By an index each: what is not expired is little beside what was ever issued. */
const WHERE: Readonly<Record<RevocationScope['what'], string>> = {
  serial: 't.serial = ?',
  entry: 't.entry_id = ?',
  identity: 't.identity_no = (SELECT no FROM identity WHERE spiffe_id = ?)',
  authority: 't.authority_id = ?',
};

export class RevocationCommands {
  readonly #log: ChangeLog;
  readonly #events: EventLog;
  readonly #find: Readonly<Record<RevocationScope['what'], Statement>>;
  readonly #revoke: Statement;

  constructor(db: Database, log: ChangeLog, events: EventLog) {
    this.#log = log;
    this.#events = events;
    const find = (what: RevocationScope['what']): Statement =>
      db
        .prepare(
          `SELECT t.seq, ${REVOKED_COLUMNS} FROM ${REVOKED_FROM}
           WHERE ${WHERE[what]} AND t.revoked_at IS NULL AND t.not_after > ? ORDER BY t.seq`,
        )
        .raw();
    this.#find = {
      serial: find('serial'),
      entry: find('entry'),
      identity: find('identity'),
      authority: find('authority'),
    };
    this.#revoke = db.prepare('UPDATE issuance SET revoked_at = ?, revoke_reason = ? WHERE seq = ?');
  }

  /** No change where there is nothing to revoke; `seq` is then 0. */
  revoke(scope: RevocationScope, reason: string, by: string, at: number): RevokedAnswer {
    const key = keyOf(scope);
    const value = scope.what === 'serial' ? Buffer.from(key, 'hex') : key;
    const rows = this.#find[scope.what].all(value, at) as [number, ...unknown[]][];
    if (rows.length === 0) return { seq: 0, revoked: [] };
    const revoked = rows.map(([seq, ...row]): RevokedSvid => {
      this.#revoke.run(at, reason, seq);
      return { ...revokedOf(row), revokedAt: at };
    });
    const identity = revoked.every(({ spiffeId }) => spiffeId === revoked[0]?.spiffeId) ? revoked[0]?.spiffeId : null;
    const serials = revoked.map(({ serial }) => serial);
    this.#events.note('issue.revoke', by, at, identity ?? null, { what: scope.what, key, reason, serials });
    return { seq: this.#log.add('revocation', 'put', key, by, at), revoked };
  }
}

export function keyOf(scope: RevocationScope): string {
  switch (scope.what) {
    case 'serial':
      return scope.serial;
    case 'entry':
      return scope.entryId;
    case 'identity':
      return scope.spiffeId;
    case 'authority':
      return scope.authorityId;
  }
}
