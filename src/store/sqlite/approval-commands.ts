// SPDX-License-Identifier: Apache-2.0
/** Approval requests opened, voted on and decided, in the writer thread; each method runs inside a savepoint. */
import type { Database, Statement } from 'better-sqlite3';
import { Failure, quote } from '../../lib/failure.ts';
import { PENDING_IN_ALL, PENDING_PER_UID } from '../approvals.ts';
import { APPROVAL, APPROVAL_COLUMNS, approvalRow, VOTE, VOTE_COLUMNS, voteRow } from './approval-rows.ts';
import type { ChangeLog } from './change-log.ts';
import type { EventLog } from './event-log.ts';
import type { GrantCommands } from './grant-commands.ts';
import type { TaskCommands } from './task-commands.ts';
import type { TakenBackAnswer, Value } from './wire.ts';

type Decided = readonly [state: string, reason: string];

export class ApprovalCommands {
  readonly #log: ChangeLog;
  readonly #events: EventLog;
  readonly #identity: Statement;
  readonly #task: Statement;
  readonly #pendingOf: Statement;
  readonly #pendingInAll: Statement;
  readonly #row: Statement;
  readonly #insert: Statement;
  readonly #revise: Statement;
  readonly #decide: Statement;
  readonly #human: Statement;
  readonly #key: Statement;
  readonly #hasVote: Statement;
  readonly #vote: Statement;
  readonly #live: Statement;
  readonly #tasks: TaskCommands;
  readonly #grants: GrantCommands;

  constructor(db: Database, log: ChangeLog, events: EventLog, tasks: TaskCommands, grants: GrantCommands) {
    this.#log = log;
    this.#events = events;
    this.#tasks = tasks;
    this.#grants = grants;
    // A grant that is over by its uses or its time may still have tasks.
    const live = "state IN ('pending', 'active')";
    this.#live = db
      .prepare(
        `SELECT 1 FROM task WHERE (id = ? OR grant = ?) AND ${live}
         UNION ALL SELECT 1 FROM grant WHERE id = ? AND (state = 'requested' OR ${live})`,
      )
      .pluck();
    this.#identity = db.prepare("SELECT 1 FROM identity WHERE spiffe_id = ? AND state = 'active'").pluck();
    this.#task = db.prepare("SELECT 1 FROM task WHERE id = ? AND state = 'pending' AND deadline > ?").pluck();
    const pending = "FROM approval_request INDEXED BY approval_pending WHERE state = 'pending'";
    this.#pendingOf = db.prepare(`SELECT count(*) ${pending} AND uid = ?`).pluck();
    this.#pendingInAll = db.prepare(`SELECT count(*) ${pending}`).pluck();
    this.#row = db.prepare(`SELECT ${APPROVAL_COLUMNS} FROM approval_request WHERE id = ?`).raw();
    this.#insert = db.prepare(insertInto('approval_request', APPROVAL_COLUMNS));
    this.#revise = db.prepare('UPDATE approval_request SET revision = revision + 1 WHERE id = ?');
    this.#decide = db.prepare(
      'UPDATE approval_request SET state = ?, state_since = ?, state_reason = ?, revision = revision + 1 WHERE id = ?',
    );
    this.#human = db.prepare('SELECT 1 FROM human WHERE name = ? AND revision = ? AND active').pluck();
    this.#key = db
      .prepare('SELECT 1 FROM human_key WHERE fingerprint = ? AND human = ? AND removed_at IS NULL')
      .pluck();
    this.#hasVote = db.prepare('SELECT 1 FROM approval_vote WHERE request = ? AND human = ? AND decision = ?').pluck();
    this.#vote = db.prepare(insertInto('approval_vote', VOTE_COLUMNS));
  }

  open(values: Value[], by: string): number {
    const [id, uid, at] = [values[APPROVAL.id] as string, values[APPROVAL.uid], values[APPROVAL.createdAt] as number];
    if (this.#row.get(id) !== undefined) throw exists(id);
    // guard: I9 test/store/approvals.test.ts
    if (uid !== null && (this.#pendingOf.get(uid) as number) >= PENDING_PER_UID)
      throw full(`of uid ${String(uid)}`, PENDING_PER_UID);
    // guard: I9 test/store/approvals.test.ts
    if ((this.#pendingInAll.get() as number) >= PENDING_IN_ALL) throw full('in all', PENDING_IN_ALL);
    // guard: I3 test/store/approvals.test.ts
    if (this.#identity.get(values[APPROVAL.identity]) === undefined) throw stale('the identity');
    // guard: I3 test/store/approvals.test.ts
    if (!this.#taskWaits(values, at)) throw stale('the task');
    this.#insert.run(values);
    return this.#noted('open', values, by, at);
  }

  /** Answers the change of the request. */
  vote(vote: Value[], revision: number, humans: [string, number][], decided: Decided | null, by: string): number {
    const [id, human, at] = [vote[VOTE.request] as string, vote[VOTE.human] as string, vote[VOTE.at] as number];
    const request = this.#row.get(id) as Value[] | undefined;
    if (request === undefined) throw missing(id);
    this.#requireWaiting(request, at);
    if (this.#hasVote.get(id, human, vote[VOTE.decision]) !== undefined) throw voted(id, human);
    // guard: C2 test/store/approvals.test.ts — each vote that counts is of somebody who is as they were when it was judged
    if (humans.some((one) => this.#human.get(...one) === undefined)) throw stale('somebody who decided');
    // guard: C3 test/store/approvals.test.ts
    if (this.#key.get(vote[VOTE.fingerprint], human) === undefined) throw stale('the key');
    // guard: I3 test/store/approvals.test.ts — two votes at once: the second is judged with the first
    if (request[APPROVAL.revision] !== revision) throw stale('the request');
    this.#vote.run(vote);
    const kind = `vote.${vote[VOTE.decision] as string}` as const;
    this.#events.note(kind, by, at, request[APPROVAL.identity] as string, voteRow(vote), taskOf(request));
    if (decided !== null) return this.#decided(id, decided, by, at);
    this.#revise.run(id);
    return this.#noted('voted', this.#row.get(id) as Value[], by, at);
  }

  /** An approval, by whoever gave it. What began by it ends in the same step. */
  takeBack(vote: Value[], revision: number, humans: [string, number][], reason: string, by: string): TakenBackAnswer {
    const [id, human, at] = [vote[VOTE.request] as string, vote[VOTE.human] as string, vote[VOTE.at] as number];
    const request = this.#row.get(id) as Value[] | undefined;
    if (request === undefined) throw missing(id);
    const isPending = request[APPROVAL.state] === 'pending';
    if (this.#hasVote.get(id, human, 'approve') === undefined) throw notVoted(id, human);
    if (this.#hasVote.get(id, human, 'withdraw') !== undefined) throw voted(id, human);
    const isLive = request[APPROVAL.state] === 'approved' && this.#live.get(id, id, id) !== undefined;
    // guard: C4 test/store/taken-back.test.ts — what is over stays as it ended
    if (!isPending && !isLive) throw over(id, 'nothing is left of it to take back');
    // guard: C2 test/store/taken-back.test.ts
    if (humans.some((one) => this.#human.get(...one) === undefined)) throw stale('somebody who decided');
    // guard: C2 test/store/taken-back.test.ts
    if (this.#key.get(vote[VOTE.fingerprint], human) === undefined) throw stale('the key');
    // guard: I3 test/store/taken-back.test.ts — a vote that was counted with it is judged anew
    if (request[APPROVAL.revision] !== revision) throw stale('the request');
    this.#vote.run(vote);
    this.#events.note('vote.withdraw', by, at, request[APPROVAL.identity] as string, voteRow(vote), taskOf(request));
    if (isPending) {
      this.#revise.run(id);
      const requestSeq = this.#noted('voted', this.#row.get(id) as Value[], by, at);
      return { requestSeq, grantSeq: 0, ended: [] };
    }
    // guard: I7 test/store/taken-back.test.ts — nothing is given in between
    return { requestSeq: 0, ...this.#endWhatBegan(request, reason, by, at) };
  }

  #endWhatBegan(request: Value[], reason: string, by: string, at: number): Omit<TakenBackAnswer, 'requestSeq'> {
    const task = taskOf(request);
    if (task !== null) return { grantSeq: 0, ended: this.#tasks.end(task, 'revoked', reason, by, at) };
    const { seq, ended } = this.#grants.revoke(request[APPROVAL.id] as string, reason, by, at);
    return { grantSeq: seq, ended };
  }

  /** Answers 0 where nothing was pending. */
  decide(id: string, state: string, reason: string, by: string, at: number): number {
    const request = this.#row.get(id) as Value[] | undefined;
    // guard: C4 test/store/approvals.test.ts — what was approved or rejected stays so
    if (request?.[APPROVAL.state] !== 'pending') return 0;
    // guard: C4 test/store/approvals.test.ts — nothing but votes approves
    if (state === 'approved') throw new Error('a request is approved by votes');
    return this.#decided(id, [state, reason], by, at);
  }

  #decided(id: string, [state, reason]: Decided, by: string, at: number): number {
    this.#decide.run(state, at, reason, id);
    return this.#noted(state, this.#row.get(id) as Value[], by, at);
  }

  #requireWaiting(request: Value[], at: number): void {
    const id = request[APPROVAL.id] as string;
    // guard: C4 test/store/approvals.test.ts
    if (request[APPROVAL.state] !== 'pending') throw over(id, `it is ${request[APPROVAL.state] as string}`);
    // guard: C4 test/store/approvals.test.ts — also where nobody has written yet that it is
    if (at >= (request[APPROVAL.notAfter] as number)) throw over(id, 'its time is over');
    // guard: I7 test/store/approvals.test.ts
    if (!this.#taskWaits(request, at)) throw over(id, 'its task no longer waits');
  }

  #taskWaits(request: Value[], at: number): boolean {
    const task = request[APPROVAL.task];
    return task === null || this.#task.get(task, at) !== undefined;
  }

  #noted(step: string, values: Value[], by: string, at: number): number {
    const identity = values[APPROVAL.identity] as string;
    this.#events.note(`approval.${step}`, by, at, identity, approvalRow(values), taskOf(values));
    return this.#log.add('approval', 'put', values[APPROVAL.id] as string, by, at);
  }
}

function taskOf(request: readonly Value[]): string | null {
  return request[APPROVAL.task] as string | null;
}

function insertInto(table: string, columns: string): string {
  return `INSERT INTO ${table} (${columns}) VALUES (${columns.replace(/\w+/g, '?')})`;
}

function stale(what: string): Failure {
  return new Failure('aborted', 'DECISION_STALE', `${what} is no longer as this was decided on`, {
    hint: 'decide again',
  });
}

function exists(id: string): Failure {
  return new Failure('already-exists', 'APPROVAL_EXISTS', `people were asked about ${quote(id)} already`, {
    field: 'id',
    value: quote(id),
    hint: `look at it: assay approvals show ${id}`,
  });
}

function missing(id: string): Failure {
  return new Failure('not-found', 'APPROVAL_NOT_FOUND', `nobody was asked about ${quote(id)}`, {
    field: 'id',
    value: quote(id),
    hint: 'list what is asked: assay approvals',
  });
}

function voted(id: string, human: string): Failure {
  return new Failure('already-exists', 'VOTE_EXISTS', `${quote(human)} has said so of ${quote(id)} already`, {
    field: 'human',
    value: quote(human),
    hint: `see what the votes come to: assay approvals show ${id}`,
  });
}

function notVoted(id: string, human: string): Failure {
  return new Failure('not-found', 'VOTE_NOT_FOUND', `${quote(human)} has not approved ${quote(id)}`, {
    field: 'human',
    value: quote(human),
    hint: `see who did: assay approvals show ${id}`,
  });
}

function over(id: string, why: string): Failure {
  return new Failure(
    'failed-precondition',
    'APPROVAL_OVER',
    `the vote is refused: ${quote(id)} is not asked any more: ${why}`,
    {
      field: 'id',
      value: quote(id),
      hint: 'whoever asks has to ask again',
    },
  );
}

function full(whose: string, most: number): Failure {
  return new Failure(
    'resource-exhausted',
    'LIMIT_REACHED',
    `${most} requests wait for people ${whose}, the most there may be`,
    {
      field: 'uid',
      value: whose,
      hint: 'decide some: assay approvals; or wait until they are over',
    },
  );
}
