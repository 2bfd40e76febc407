// SPDX-License-Identifier: Apache-2.0
/** What is fixed at the first start, in the writer thread. */
import type { Database, Statement } from 'better-sqlite3';
import { Failure, quote } from '../../lib/failure.ts';
import type { EventLog } from './event-log.ts';

/** Who does what nobody asked for. */
const DAEMON = 'assay';

export class MetaCommands {
  readonly #get: Statement;
  readonly #insert: Statement;

  readonly #events: EventLog;

  constructor(db: Database, events: EventLog) {
    this.#events = events;
    this.#get = db.prepare('SELECT value FROM meta WHERE key = ?').pluck();
    this.#insert = db.prepare('INSERT INTO meta (key, value) VALUES (?, ?)');
  }

  setOnce(key: string, value: string, at: number): number {
    const stored = this.#get.get(key) as string | undefined;
    if (stored === value) return 0;
    if (stored !== undefined) {
      throw new Failure(
        'failed-precondition',
        'META_FIXED',
        `${key} of this data folder is ${quote(stored)} since its first start, not ${quote(value)}`,
        { field: key, value, hint: `start with ${key} ${stored}, or with an empty data folder` },
      );
    }
    this.#insert.run(key, value);
    this.#events.note('meta.fix', DAEMON, at, null, { key, value });
    return 0;
  }
}
