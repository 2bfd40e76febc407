// SPDX-License-Identifier: Apache-2.0
/** One use of a grant, counted in the step that begins its task, in the writer thread. */
import type { Database, Statement } from 'better-sqlite3';
import { Failure, quote } from '../../lib/failure.ts';
import type { ChangeLog } from './change-log.ts';
import type { EventLog } from './event-log.ts';
import { GRANT, GRANT_COLUMNS, grantRow } from './grant-rows.ts';
import type { Value } from './wire.ts';

/** A task that begins. Times are milliseconds UTC. */
export interface Drawing {
  readonly task: string;
  readonly identity: string;
  readonly deadline: number;
}

export class GrantUse {
  readonly #log: ChangeLog;
  readonly #events: EventLog;
  readonly #use: Statement;
  readonly #row: Statement;

  constructor(db: Database, log: ChangeLog, events: EventLog) {
    this.#log = log;
    this.#events = events;
    this.#use = db.prepare(
      `UPDATE grant SET used = used + 1, revision = revision + 1,
         state = iif(used + 1 = max_tasks, 'exhausted', state),
         state_since = iif(used + 1 = max_tasks, $at, state_since),
         state_reason = iif(used + 1 = max_tasks, 'all its tasks have begun', state_reason)
       WHERE id = $id AND identity = $identity AND state = 'active' AND used < max_tasks
         AND window_from <= $at AND window_to > $at AND window_to >= $deadline AND $deadline - $at <= max_task_ttl`,
    );
    this.#row = db.prepare(`SELECT ${GRANT_COLUMNS} FROM grant WHERE id = ?`).raw();
  }

  /** Answers the change of the grant. Throws ('aborted', 'DECISION_STALE') where it gives no such task now. */
  draw(id: string, { task, identity, deadline }: Drawing, by: string, at: number): number {
    const { changes } = this.#use.run({ id, identity, deadline, at });
    // guard: I3 test/store/grants.test.ts — two tasks for the last use: one begins
    if (changes !== 1)
      throw new Failure('aborted', 'DECISION_STALE', `grant ${quote(id)} is no longer as this was decided on`, {
        hint: 'decide again',
      });
    const values = this.#row.get(id) as Value[];
    const step = values[GRANT.state] === 'exhausted' ? 'exhausted' : 'used';
    this.#events.note(`grant.${step}`, by, at, identity, grantRow(values), task);
    return this.#log.add('grant', 'put', id, by, at);
  }
}
