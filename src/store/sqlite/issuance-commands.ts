// SPDX-License-Identifier: Apache-2.0
/** Issuance rows, in the writer thread. */
import type { Database, Statement } from 'better-sqlite3';
import { Failure, quote } from '../../lib/failure.ts';
import { issuancePayload, type NewEvent } from '../events.ts';
import type { Counters } from './counters.ts';
import type { EventLog, EventPlace } from './event-log.ts';

/** Rows removed in one transaction, so that a sweep never holds up an issuance for long. */
export const PRUNE_SLICE = 500;

/** Who does what nobody asked for. */
const DAEMON = 'assay';

export class IssuanceCommands {
  readonly #counters: Counters;
  readonly #events: EventLog;
  readonly #entry: Statement;
  readonly #identity: Statement;
  readonly #authority: Statement;
  readonly #task: Statement;
  readonly #insert: Statement;
  readonly #undelivered: Statement;
  readonly #prune: Statement;
  readonly #signed: Statement;
  /** Latest notAfter signed by each authority in this batch; written once. */
  readonly #latest = new Map<string, number>();

  constructor(db: Database, counters: Counters, events: EventLog) {
    this.#events = events;
    this.#counters = counters;
    // One table each: this SQLite prepares a join anew whenever a parameter of it is bound, which costs ten times more.
    this.#entry = db.prepare('SELECT identity_no FROM entry WHERE id = ? AND revision = ?').pluck();
    this.#identity = db
      .prepare(`SELECT 1 FROM identity WHERE no = ? AND revision = ? AND state = 'active' AND spiffe_id = ?`)
      .pluck();
    this.#authority = db.prepare(`SELECT 1 FROM authority WHERE id = ? AND slot = 'active'`).pluck();
    this.#task = db
      .prepare("SELECT 1 FROM task WHERE id = ? AND identity = ? AND state = 'active' AND deadline >= ?")
      .pluck();
    this.#insert = db.prepare(
      `INSERT INTO issuance (seq, serial, kind, identity_no, entry_id, authority_id, issued_at, not_before, not_after,
         asked_ttl_ms, pid, uid, gid, start_time, marks, facts, audiences, salt, task)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#undelivered = db.prepare('UPDATE issuance SET delivered = 0, undelivered_reason = ? WHERE seq = ?');
    this.#prune = db.prepare(
      `DELETE FROM issuance WHERE seq IN (SELECT seq FROM issuance WHERE not_after < ? LIMIT ${PRUNE_SLICE})`,
    );
    this.#signed = db.prepare('UPDATE authority SET last_svid_not_after = ? WHERE id = ? AND last_svid_not_after < ?');
  }

  /** `at` is the index of the first argument in `message` (rows.ts, pushIssuance). */
  record(message: readonly unknown[], at: number): number {
    const entryId = message[at] as string;
    const authorityId = message[at + 3] as string;
    const identityNo = this.#entry.get(entryId, message[at + 1]) as number | undefined;
    if (identityNo === undefined) throw stale(`entry ${quote(entryId)}`);
    const identity = this.#identity.get(identityNo, message[at + 2], message[at + 4]);
    // guard: I3 test/store/sqlite-store.test.ts — decide and record are one step; without an entry there is none either
    if (identity === undefined) throw stale(`the identity of entry ${quote(entryId)}`);
    // guard: I3 test/store/sqlite-store.test.ts
    if (this.#authority.get(authorityId) === undefined) throw stale(`authority ${quote(authorityId)}`);
    const task = message[at + 18] as string | null;
    // guard: I5 test/store/tasks.test.ts — nothing is given in a task that is over, nor for longer than it lasts
    if (task !== null && this.#task.get(task, message[at + 4], message[at + 9]) === undefined)
      throw stale(`task ${quote(task)}`);
    const seq = this.#counters.now.issuance + 1;
    const serial = Buffer.from(message[at + 5] as string, 'hex');
    const notAfter = message[at + 9] as number;
    const place = this.#events.place();
    // biome-ignore format: in the order of the columns above
    this.#insert.run(
      seq, serial, message[at + 6], identityNo, entryId, authorityId,
      message[at + 7], message[at + 8], notAfter, message[at + 10],
      message[at + 11], message[at + 12], message[at + 13], message[at + 14], message[at + 15], message[at + 16],
      message[at + 17], place.salt, task,
    );
    this.#noteIssue(place, seq, message, at);
    this.#counters.now.issuance = seq;
    if (notAfter > (this.#latest.get(authorityId) ?? 0)) this.#latest.set(authorityId, notAfter);
    return seq;
  }

  /** The event of an issuance: its payload is kept in the row itself. */
  #noteIssue(place: EventPlace, seq: number, message: readonly unknown[], at: number): void {
    const uid = message[at + 12] as number;
    const event: NewEvent = {
      kind: `issue.${message[at + 6] as string}`,
      at: message[at + 7] as number,
      actor: `uid:${uid}`,
      identity: message[at + 4] as string,
      task: message[at + 18] as string | null,
      payload: issuancePayload({
        seq,
        serial: message[at + 5] as string,
        entryId: message[at] as string,
        authorityId: message[at + 3] as string,
        notBefore: message[at + 8] as number,
        notAfter: message[at + 9] as number,
        askedTtlMs: message[at + 10] as number,
        pid: message[at + 11] as number,
        uid,
        gid: message[at + 13] as number,
        startTime: message[at + 14] as string,
        marks: message[at + 15] as string,
        facts: message[at + 16] as string,
        audiences: message[at + 17] as string,
      }),
    };
    this.#events.appendIssue(place, event, seq);
  }

  undelivered(seq: number, reason: string, at: number): number {
    if (this.#undelivered.run(reason, seq).changes === 1) {
      this.#events.note('issue.undelivered', DAEMON, at, null, { seq, reason });
      return seq;
    }
    throw new Failure('not-found', 'ISSUANCE_NOT_FOUND', `no issuance has sequence ${seq}`);
  }

  prune(olderThan: number, at: number): number {
    const count = this.#prune.run(olderThan).changes;
    if (count > 0) this.#events.note('retention.issuance', DAEMON, at, null, { count, not_after_before: olderThan });
    return count;
  }

  /** What each authority signed last; part of the batch's transaction. */
  saveSigned(): void {
    for (const [id, notAfter] of this.#latest) this.#signed.run(notAfter, id, notAfter);
    this.#latest.clear();
  }

  rolledBack(): void {
    this.#latest.clear();
  }
}

function stale(what: string): Failure {
  return new Failure('aborted', 'DECISION_STALE', `${what} is no longer as this was decided on`, {
    hint: 'decide again',
  });
}
