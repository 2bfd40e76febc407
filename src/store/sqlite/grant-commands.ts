// SPDX-License-Identifier: Apache-2.0
/** Grants asked for, begun and taken back, in the writer thread; each method runs inside a savepoint. */
import type { Database, Statement } from 'better-sqlite3';
import { Failure, quote } from '../../lib/failure.ts';
import { BREAK_GLASS, OPEN_GRANTS_PER_IDENTITY } from '../grants.ts';
import type { ChangeLog } from './change-log.ts';
import type { EventLog } from './event-log.ts';
import { GRANT, GRANT_COLUMNS, grantRow } from './grant-rows.ts';
import type { TaskCommands } from './task-commands.ts';
import type { GrantEndedAnswer, Value } from './wire.ts';

/** From where each is reached. */
const BEFORE: ReadonlyMap<string, readonly string[]> = new Map([
  ['pending', ['requested']],
  ['active', ['pending']],
  ['denied', ['requested', 'pending']],
  ['expired', ['active']],
]);

export class GrantCommands {
  readonly #log: ChangeLog;
  readonly #events: EventLog;
  readonly #tasks: TaskCommands;
  readonly #identity: Statement;
  readonly #openOf: Statement;
  readonly #approved: Statement;
  readonly #row: Statement;
  readonly #insert: Statement;
  readonly #step: Statement;

  constructor(db: Database, log: ChangeLog, events: EventLog, tasks: TaskCommands) {
    this.#log = log;
    this.#events = events;
    this.#tasks = tasks;
    this.#identity = db
      .prepare("SELECT 1 FROM identity WHERE spiffe_id = ? AND state = 'active' AND expires_at >= ?")
      .pluck();
    this.#openOf = db
      .prepare(
        "SELECT count(*) FROM grant INDEXED BY grant_open WHERE identity = ? AND state IN ('requested', 'pending', 'active')",
      )
      .pluck();
    this.#approved = db
      .prepare(
        "SELECT quorum, strength FROM approval_request WHERE id = ? AND kind = 'grant' AND digest = ? AND state = 'approved' AND not_after > ?",
      )
      .raw();
    this.#row = db.prepare(`SELECT ${GRANT_COLUMNS} FROM grant WHERE id = ?`).raw();
    this.#insert = db.prepare(`INSERT INTO grant (${GRANT_COLUMNS}) VALUES (${GRANT_COLUMNS.replace(/\w+/g, '?')})`);
    this.#step = db.prepare(
      'UPDATE grant SET state = ?, state_since = ?, state_reason = ?, revision = revision + 1 WHERE id = ?',
    );
  }

  create(values: Value[], by: string): number {
    const identity = values[GRANT.identity] as string;
    // guard: I3 test/store/grants.test.ts — a grant does not outlive what it lends
    if (this.#identity.get(identity, values[GRANT.windowTo]) === undefined) throw stale(`identity ${quote(identity)}`);
    // guard: I9 test/store/grants.test.ts
    if ((this.#openOf.get(identity) as number) >= OPEN_GRANTS_PER_IDENTITY) throw full(identity);
    this.#insert.run(values);
    return this.#noted('requested', values, by, values[GRANT.createdAt] as number);
  }

  /** Answers 0 where there is no such step from where it is. */
  step(id: string, to: string, reason: string | null, by: string, at: number): number {
    const row = this.#row.get(id) as Value[] | undefined;
    const from = row?.[GRANT.state] as string | undefined;
    if (row === undefined || from === undefined || !BEFORE.get(to)?.includes(from)) return 0;
    // guard: C1 test/store/grants.test.ts — nothing but the votes on this very grant makes it active
    if (to === 'active' && !this.#isApproved(row, at)) throw notApproved(id);
    this.#step.run(to, at, reason, id);
    return this.#noted(to, this.#row.get(id) as Value[], by, at);
  }

  revoke(id: string, reason: string, by: string, at: number): GrantEndedAnswer {
    const row = this.#row.get(id) as Value[] | undefined;
    if (row === undefined) throw missing(id);
    const from = row[GRANT.state];
    const to = from === 'active' ? 'revoked' : from === 'requested' || from === 'pending' ? 'denied' : undefined;
    if (to !== undefined) this.#step.run(to, at, reason, id);
    const seq = to === undefined ? 0 : this.#noted(to, this.#row.get(id) as Value[], by, at);
    // guard: I7 test/store/grants.test.ts — what began under it ends in the same step
    return { seq, ended: this.#tasks.endUnder(id, `grant ${id} was revoked: ${reason}`, by, at) };
  }

  #isApproved(row: Value[], at: number): boolean {
    const said = this.#approved.get(row[GRANT.id], row[GRANT.digest], at) as [number, number] | undefined;
    if (said === undefined) return false;
    const [quorum, strength] = said;
    const isEnough = quorum >= BREAK_GLASS.people && strength >= BREAK_GLASS.strength;
    // guard: C3 test/store/grants.test.ts — whoever asked, and whatever policy says
    if (row[GRANT.breakGlass] !== null && !isEnough) return false;
    return true;
  }

  #noted(step: string, values: Value[], by: string, at: number): number {
    this.#events.note(`grant.${step}`, by, at, values[GRANT.identity] as string, grantRow(values), null);
    return this.#log.add('grant', 'put', values[GRANT.id] as string, by, at);
  }
}

function stale(what: string): Failure {
  return new Failure('aborted', 'DECISION_STALE', `${what} is no longer as this was decided on`, {
    hint: 'decide again',
  });
}

function notApproved(id: string): Failure {
  return new Failure('failed-precondition', 'GRANT_NOT_APPROVED', `grant ${quote(id)} is not approved`, {
    field: 'grant',
    value: quote(id),
    hint: `see who is missing: assay approvals show ${id}`,
  });
}

function missing(id: string): Failure {
  return new Failure('not-found', 'GRANT_NOT_FOUND', `there is no grant ${quote(id)}`, {
    field: 'grant',
    value: quote(id),
    hint: 'list them: assay grant list',
  });
}

function full(identity: string): Failure {
  const most = OPEN_GRANTS_PER_IDENTITY;
  return new Failure(
    'resource-exhausted',
    'LIMIT_REACHED',
    `${identity} has ${most} open grants, the most there may be`,
    {
      field: 'identity',
      value: quote(identity),
      hint: 'take some back: assay grant revoke',
    },
  );
}
