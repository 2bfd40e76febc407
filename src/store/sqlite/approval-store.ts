// SPDX-License-Identifier: Apache-2.0
/** Approvals: asked of the writer, and read. */
import type { Database } from 'better-sqlite3';
import type {
  ApprovalFilter,
  ApprovalRecord,
  ApprovalStore,
  DecidedApproval,
  JudgedOn,
  VoteRecord,
} from '../approvals.ts';
import type { Change } from '../records.ts';
import type { Listed, Page } from '../store.ts';
import { APPROVAL_COLUMNS, approvalOf, approvalValues, VOTE_COLUMNS, voteOf, voteValues } from './approval-rows.ts';
import { grantChanges } from './grant-store.ts';
import { listPage } from './listing.ts';
import { APPROVALS, approvalWhere } from './lists.ts';
import { endedChanges } from './task-changes.ts';
import { Op, type TakenBackAnswer } from './wire.ts';
import type { Writer } from './writer.ts';

type Row = readonly unknown[];

export class SqliteApprovalStore implements ApprovalStore {
  readonly #db: Database;
  readonly #writer: Writer;

  constructor(db: Database, writer: Writer) {
    this.#db = db;
    this.#writer = writer;
  }

  async open(approval: ApprovalRecord, by: string): Promise<void> {
    await this.#writer.run(Op.openApproval, [approvalValues(approval), by], (seq) =>
      this.#changes(approval.id, seq as number, by, approval.createdAt),
    );
  }

  async vote(
    vote: VoteRecord,
    { revision, humans }: JudgedOn,
    decided: DecidedApproval | undefined,
    by: string,
  ): Promise<ApprovalRecord> {
    const outcome = decided === undefined ? null : [decided.state, decided.reason];
    await this.#writer.run(Op.voteApproval, [voteValues(vote), revision, humans, outcome, by], (seq) =>
      this.#changes(vote.request, seq as number, by, vote.at),
    );
    return this.get(vote.request) as ApprovalRecord;
  }

  async takeBack(
    vote: VoteRecord & { readonly decision: 'withdraw' },
    { revision, humans }: JudgedOn,
    reason: string,
    by: string,
  ): Promise<ApprovalRecord> {
    const { request: id, at } = vote;
    await this.#writer.run(Op.takeBackVote, [voteValues(vote), revision, humans, reason, by], (done) => {
      const { requestSeq, grantSeq, ended } = done as TakenBackAnswer;
      const request = requestSeq === 0 ? [] : this.#changes(id, requestSeq, by, at);
      return [...request, ...grantChanges(this.#db, id, grantSeq, by, at), ...endedChanges(ended, by, at)];
    });
    return this.get(id) as ApprovalRecord;
  }

  async decide(
    id: string,
    { state, reason }: DecidedApproval,
    by: string,
    at: number,
  ): Promise<ApprovalRecord | undefined> {
    const seq = await this.#writer.run(Op.decideApproval, [id, state, reason, by, at], (done) =>
      done === 0 ? [] : this.#changes(id, done as number, by, at),
    );
    return seq === 0 ? undefined : this.get(id);
  }

  get(id: string): ApprovalRecord | undefined {
    const row = this.#db.prepare(`SELECT ${APPROVAL_COLUMNS} FROM approval_request WHERE id = ?`).raw().get(id);
    return row === undefined ? undefined : approvalOf(row as Row);
  }

  votes(id: string): readonly VoteRecord[] {
    const sql = `SELECT ${VOTE_COLUMNS} FROM approval_vote WHERE request = ? ORDER BY at, human, decision`;
    return (this.#db.prepare(sql).raw().all(id) as Row[]).map(voteOf);
  }

  list(filter: ApprovalFilter, page: Page): Listed<ApprovalRecord> {
    return listPage(this.#db, APPROVALS, approvalWhere(filter), page);
  }

  pending(): readonly ApprovalRecord[] {
    const sql = `SELECT ${APPROVAL_COLUMNS} FROM approval_request WHERE state = 'pending' ORDER BY id`;
    return (this.#db.prepare(sql).raw().all() as Row[]).map(approvalOf);
  }

  #changes(id: string, seq: number, by: string, at: number): readonly Change[] {
    const approval = this.get(id);
    return approval === undefined ? [] : [{ seq, at, by, kind: 'approval', action: 'put', key: id, approval }];
  }
}
