// SPDX-License-Identifier: Apache-2.0
/**
 * The log's first events, before the writer begins: what a database already holds when it gets its log, so that from then on
 * every row has an event that says what it is. An empty one begins with a single event.
 */
import type { Database } from 'better-sqlite3';
import { Counters } from './counters.ts';
import { currentRows } from './current-rows.ts';
import { EventLog, type RandomBytes } from './event-log.ts';

/** Who does what nobody asked for. */
const DAEMON = 'assay';
const FORMAT = 1;
/** Events kept in memory at a time. */
const SLICE = 1_000;

/** In one transaction; nothing where the log has begun. */
export function beginLog(db: Database, now: number, random: RandomBytes): void {
  const counters = new Counters(db);
  if (counters.now.event > 0) return;
  const events = new EventLog(db, counters, random);
  db.transaction(() => {
    events.note('log.begin', DAEMON, now, null, { format: FORMAT, issuances: counters.now.issuance });
    for (const { kind, identity, row } of currentRows(db)) {
      events.note(`${kind}.import`, DAEMON, now, identity, row);
      if (counters.now.event % SLICE === 0) events.flush();
    }
    events.flush();
    counters.save();
  }).immediate();
}
