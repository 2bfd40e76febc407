// SPDX-License-Identifier: Apache-2.0
/** Events that change nothing else, checkpoints and erased payloads, in the writer thread. */
import type { Database, Statement } from 'better-sqlite3';
import { Failure } from '../../lib/failure.ts';
import type { NewEvent } from '../events.ts';
import type { EventLog } from './event-log.ts';

/** Kinds of events whose payload may hold personal data. */
const ABOUT_SOMEBODY = /^(identity|entry|human|finding)\./;

export class AuditCommands {
  readonly #events: EventLog;
  readonly #checkpoint: Statement;
  readonly #event: Statement;
  readonly #redaction: Statement;
  readonly #erase: Statement;

  constructor(db: Database, events: EventLog) {
    this.#events = events;
    this.#checkpoint = db.prepare('INSERT OR IGNORE INTO checkpoint (size, at, root, note) VALUES (?, ?, ?, ?)');
    this.#event = db.prepare('SELECT identity, kind FROM event WHERE seq = ?').raw();
    this.#redaction = db.prepare('INSERT OR IGNORE INTO redaction (seq, at, by, reason) VALUES (?, ?, ?, ?)');
    this.#erase = db.prepare('DELETE FROM event_payload WHERE seq = ?');
  }

  append(event: NewEvent): number {
    return this.#events.append(event);
  }

  putCheckpoint(size: number, at: number, root: Uint8Array, note: string): number {
    return this.#checkpoint.run(size, at, root, note).changes;
  }

  redact(seq: number, reason: string, by: string, at: number): number {
    const found = this.#event.get(seq) as [string | null, string] | undefined;
    if (found === undefined) throw notFound(seq);
    // guard: B5 test/store/events.test.ts — what the log is verified with stays
    if (!ABOUT_SOMEBODY.test(found[1])) throw needed(seq, found[1]);
    this.#redaction.run(seq, at, by, reason);
    if (this.#erase.run(seq).changes === 0) throw kept(seq);
    return this.#events.note('event.redact', by, at, found[0], { seq, reason });
  }
}

function notFound(seq: number): Failure {
  return new Failure('not-found', 'EVENT_NOT_FOUND', `the log has no event ${seq}`, {
    field: 'seq',
    value: String(seq),
    hint: 'look with: assay audit query',
  });
}

function kept(seq: number): Failure {
  return new Failure(
    'failed-precondition',
    'PAYLOAD_KEPT',
    `event ${seq} has no payload of its own: it is erased already`,
    { field: 'seq', value: String(seq), hint: 'look with: assay audit query' },
  );
}

function needed(seq: number, kind: string): Failure {
  const hint = kind.startsWith('issue.')
    ? 'issuance rows leave by themselves, retention.issuance after their end'
    : 'only what is said of identities, entries, people and findings can be erased';
  return new Failure('failed-precondition', 'PAYLOAD_KEPT', `event ${seq} (${kind}) is needed: it is not erased`, {
    field: 'seq',
    value: String(seq),
    hint,
  });
}
