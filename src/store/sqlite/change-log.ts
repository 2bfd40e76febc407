// SPDX-License-Identifier: Apache-2.0
/** The gap-free change sequence: one row per change, in the transaction of the thing itself. */
import type { Database, Statement } from 'better-sqlite3';
import type { Counters } from './counters.ts';

/** Rows removed in one transaction. */
const PRUNE_SLICE = 500;

export class ChangeLog {
  readonly #counters: Counters;
  readonly #insert: Statement;
  readonly #prune: Statement;
  readonly #newer: Statement;

  constructor(db: Database, counters: Counters) {
    this.#counters = counters;
    this.#insert = db.prepare('INSERT INTO change (seq, at, by, kind, action, key) VALUES (?, ?, ?, ?, ?, ?)');
    this.#newer = db.prepare('SELECT count(*) FROM change WHERE seq > ? AND kind IN (?, ?)').pluck();
    this.#prune = db.prepare(
      `DELETE FROM change WHERE seq IN (SELECT seq FROM change WHERE seq <= ? ORDER BY seq LIMIT ${PRUNE_SLICE})`,
    );
  }

  add(kind: string, action: 'put' | 'delete', key: string, by: string, at: number): number {
    const seq = this.#counters.now.change + 1;
    this.#insert.run(seq, at, by, kind, action, key);
    this.#counters.now.change = seq;
    this.#counters.seen(at);
    return seq;
  }

  /** Is there a change of either kind after this sequence? */
  hasNewer(seq: number, kind: string, other: string): boolean {
    return (this.#newer.get(seq, kind, other) as number) > 0;
  }

  prune(keep: number): number {
    return this.#prune.run(this.#counters.now.change - Math.max(1, keep)).changes;
  }
}
