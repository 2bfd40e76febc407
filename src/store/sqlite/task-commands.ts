// SPDX-License-Identifier: Apache-2.0
/** Tasks begun and ended, in the writer thread; each method runs inside a savepoint. */
import type { Database, Statement } from 'better-sqlite3';
import { Failure, quote } from '../../lib/failure.ts';
import type { ChangeLog } from './change-log.ts';
import type { EventLog } from './event-log.ts';
import { GrantUse } from './grant-use.ts';
import type { RevocationCommands } from './revocation-commands.ts';
import { TASK, TASK_COLUMNS, taskRow } from './task-rows.ts';
import type { EndedAnswer, Value } from './wire.ts';

type Ending = readonly [end: string, reason: string, by: string, at: number];

export class TaskCommands {
  readonly #log: ChangeLog;
  readonly #events: EventLog;
  readonly #revocation: RevocationCommands;
  readonly #identity: Statement;
  readonly #parent: Statement;
  readonly #row: Statement;
  readonly #insert: Statement;
  readonly #activate: Statement;
  readonly #end: Statement;
  readonly #liveBelow: Statement;
  readonly #liveOf: Statement;
  readonly #liveUnder: Statement;
  readonly #grants: GrantUse;

  constructor(db: Database, log: ChangeLog, events: EventLog, revocation: RevocationCommands) {
    this.#log = log;
    this.#events = events;
    this.#revocation = revocation;
    this.#grants = new GrantUse(db, log, events);
    this.#identity = db
      .prepare("SELECT 1 FROM identity WHERE spiffe_id = ? AND revision = ? AND state = 'active' AND expires_at > ?")
      .pluck();
    this.#parent = db.prepare("SELECT 1 FROM task WHERE id = ? AND state = 'active' AND deadline >= ?").pluck();
    this.#row = db.prepare(`SELECT ${TASK_COLUMNS} FROM task WHERE id = ?`).raw();
    this.#insert = db.prepare(`INSERT INTO task (${TASK_COLUMNS}) VALUES (${TASK_COLUMNS.replace(/\w+/g, '?')})`);
    this.#activate = db.prepare(
      "UPDATE task SET state = 'active', state_since = ?, policy_hash = ?, revision = ? WHERE id = ? AND state = 'pending'",
    );
    this.#end = db.prepare(
      'UPDATE task SET state = ?, state_since = ?, end = ?, end_reason = ?, revision = revision + 1 WHERE id = ?',
    );
    this.#liveBelow = db
      .prepare("SELECT id FROM task WHERE parent = ? AND state IN ('pending', 'active') ORDER BY id")
      .pluck();
    this.#liveOf = db
      .prepare(
        "SELECT id FROM task INDEXED BY task_live WHERE identity = ? AND state IN ('pending', 'active') ORDER BY depth, id",
      )
      .pluck();
    this.#liveUnder = db
      .prepare("SELECT id FROM task WHERE grant = ? AND state IN ('pending', 'active') ORDER BY depth, id")
      .pluck();
  }

  /** Answers its change, and that of its grant: 0 for none. */
  create(values: Value[], identityRevision: number, by: string): readonly number[] {
    const at = values[TASK.state + 1] as number;
    // Of one that is refused nothing has to hold.
    if (values[TASK.state] !== 'denied') this.#requireGround(values, identityRevision, at);
    const drawn = values[TASK.state] === 'active' ? this.#draw(values, by, at) : 0;
    this.#insert.run(values);
    return [this.#noted(values, by, at), drawn];
  }

  /** Answers as `create` does. */
  activate(values: Value[], identityRevision: number, by: string, at: number): readonly number[] {
    const id = values[TASK.id] as string;
    this.#requireGround(values, identityRevision, at);
    const stored = this.#row.get(id) as Value[] | undefined;
    // guard: I3 test/store/tasks.test.ts
    if (stored?.[TASK.revision] !== (values[TASK.revision] as number) - 1 || stored[TASK.state] !== 'pending')
      throw conflict(id);
    const drawn = this.#draw(stored, by, at);
    this.#activate.run(at, values[TASK.state - 1], values[TASK.revision], id);
    return [this.#noted(this.#row.get(id) as Value[], by, at), drawn];
  }

  /** It and all below. */
  end(id: string, ...ending: Ending): EndedAnswer[] {
    const row = this.#row.get(id) as Value[] | undefined;
    if (row === undefined) throw missing(id);
    return this.#endTree(id, ending);
  }

  /** All of an identity that are live. */
  endOf(identity: string, reason: string, by: string, at: number): EndedAnswer[] {
    const ids = this.#liveOf.all(identity) as string[];
    return ids.flatMap((id) => this.#endTree(id, ['revoked', reason, by, at]));
  }

  /** All that began under a grant and are live. */
  endUnder(grant: string, reason: string, by: string, at: number): EndedAnswer[] {
    const ids = this.#liveUnder.all(grant) as string[];
    return ids.flatMap((id) => this.#endTree(id, ['revoked', reason, by, at]));
  }

  #endTree(id: string, ending: Ending): EndedAnswer[] {
    const [end, reason, by, at] = ending;
    const row = this.#row.get(id) as Value[];
    const before = row[TASK.state];
    if (before !== 'pending' && before !== 'active') return [];
    this.#end.run(before === 'pending' ? 'denied' : 'ended', at, end, reason, id);
    const ended = this.#row.get(id) as Value[];
    const seq = this.#noted(ended, by, at);
    // guard: I7 test/store/tasks.test.ts — what it was given ends in the same step
    const given = this.#revocation.revoke({ what: 'task', taskId: id }, `its task ended: ${end}`, by, at);
    const below = (this.#liveBelow.all(id) as string[]).flatMap((child) =>
      this.#endTree(child, ['parent', `task ${id} ended`, by, at]),
    );
    return [{ row: ended, seq, revokedSeq: given.seq, revoked: given.revoked }, ...below];
  }

  /** One use of the grant that it names, counted with it. */
  #draw(values: Value[], by: string, at: number): number {
    const grant = values[TASK.grant] as string | null;
    if (grant === null) return 0;
    const [task, identity] = [values[TASK.id] as string, values[TASK.identity] as string];
    return this.#grants.draw(grant, { task, identity, deadline: values[TASK.deadline] as number }, by, at);
  }

  #requireGround(values: Value[], identityRevision: number, at: number): void {
    const identity = values[TASK.identity] as string;
    // guard: I3 test/store/tasks.test.ts — decide and record are one step
    if (this.#identity.get(identity, identityRevision, at) === undefined) throw stale(`identity ${quote(identity)}`);
    const parent = values[TASK.parent] as string | null;
    // guard: I5 test/store/tasks.test.ts — no task outlives its parent
    if (parent !== null && this.#parent.get(parent, values[TASK.deadline]) === undefined)
      throw stale(`task ${quote(parent)}`);
  }

  #noted(values: Value[], by: string, at: number): number {
    const id = values[TASK.id] as string;
    const identity = values[TASK.identity] as string;
    this.#events.note(`task.${values[TASK.state] as string}`, by, at, identity, taskRow(values), id);
    return this.#log.add('task', 'put', id, by, at);
  }
}

function stale(what: string): Failure {
  return new Failure('aborted', 'DECISION_STALE', `${what} is no longer as this was decided on`, {
    hint: 'decide again',
  });
}

function conflict(id: string): Failure {
  return new Failure('aborted', 'REVISION_CONFLICT', `task ${quote(id)} was changed by someone else meanwhile`, {
    hint: 'read it again and repeat the change',
  });
}

function missing(id: string): Failure {
  return new Failure('not-found', 'TASK_NOT_FOUND', `there is no task ${quote(id)}`, {
    field: 'task',
    value: quote(id),
    hint: 'list them: assay task list',
  });
}
