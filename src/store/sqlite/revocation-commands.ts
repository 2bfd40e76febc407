// SPDX-License-Identifier: Apache-2.0
/** Takes back what was issued, in the writer thread; each method runs inside a savepoint. */
import type { Database, Statement } from 'better-sqlite3';
import type { RevocationScope, RevokedSvid } from '../revocations.ts';
import type { ChangeLog } from './change-log.ts';
import type { EventLog } from './event-log.ts';
import { REVOKED_COLUMNS, revokedOf } from './revoked-rows.ts';
import type { RevokedAnswer } from './wire.ts';

/** By an index each, since all issuing waits meanwhile: what is valid is little beside what was ever issued. */
const WHERE: Readonly<Record<RevocationScope['what'], { readonly index: string; readonly where: string }>> = {
  serial: { index: '', where: 't.serial = ?' },
  entry: { index: 'INDEXED BY issuance_not_after', where: 't.entry_id = ?' },
  identity: {
    index: 'INDEXED BY issuance_identity',
    where: 't.identity_no = (SELECT no FROM identity WHERE spiffe_id = ?)',
  },
  task: { index: 'INDEXED BY issuance_task', where: 't.task = ?' },
  authority: { index: 'INDEXED BY issuance_not_after', where: 't.authority_id = ?' },
};

/** What is valid of a scope; binds what it names and the time. */
export function findStatement(what: RevocationScope['what']): string {
  const { index, where } = WHERE[what];
  return `SELECT t.seq, ${REVOKED_COLUMNS} FROM issuance t ${index} JOIN identity i ON i.no = t.identity_no
    WHERE ${where} AND t.revoked_at IS NULL AND t.not_after > ? ORDER BY t.seq`;
}

export class RevocationCommands {
  readonly #log: ChangeLog;
  readonly #events: EventLog;
  readonly #find: Readonly<Record<RevocationScope['what'], Statement>>;
  readonly #revoke: Statement;

  constructor(db: Database, log: ChangeLog, events: EventLog) {
    this.#log = log;
    this.#events = events;
    const find = (what: RevocationScope['what']): Statement => db.prepare(findStatement(what)).raw();
    this.#find = {
      serial: find('serial'),
      entry: find('entry'),
      identity: find('identity'),
      task: find('task'),
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
    case 'task':
      return scope.taskId;
    case 'authority':
      return scope.authorityId;
  }
}
