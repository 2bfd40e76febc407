// SPDX-License-Identifier: Apache-2.0
/**
 * The numbers that only grow, in the writer's memory; changed ones go to their table once per batch, in its transaction.
 * A sequence taken by a command that is then refused is given back, so that sequences have no gaps.
 */
import type { Database, Statement } from 'better-sqlite3';

export const COUNTERS = ['change', 'issuance', 'bundle', 'event', 'latest_time'] as const;
export type CounterName = (typeof COUNTERS)[number];
type Values = Record<CounterName, number>;

export function readCounter(db: Database, name: CounterName): number {
  return db.prepare('SELECT value FROM counter WHERE name = ?').pluck().get(name) as number;
}

export class Counters {
  readonly #write: Statement;
  #committed: Values;
  now: Values;

  constructor(db: Database) {
    this.#write = db.prepare('UPDATE counter SET value = ? WHERE name = ?');
    this.#committed = {
      change: readCounter(db, 'change'),
      issuance: readCounter(db, 'issuance'),
      bundle: readCounter(db, 'bundle'),
      event: readCounter(db, 'event'),
      latest_time: readCounter(db, 'latest_time'),
    };
    this.now = { ...this.#committed };
  }

  /** The largest wall-clock time of any row; the clock guard compares with it after a restart (I8). */
  seen(time: number): void {
    if (time > this.now.latest_time) this.now.latest_time = time;
  }

  save(): void {
    for (const name of COUNTERS) {
      if (this.now[name] !== this.#committed[name]) this.#write.run(this.now[name], name);
    }
  }

  committed(): void {
    this.#committed = { ...this.now };
  }

  rolledBack(): void {
    this.now = { ...this.#committed };
  }
}
