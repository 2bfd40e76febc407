// SPDX-License-Identifier: Apache-2.0
/** Tasks: asked of the writer, and read. */
import type { Database, Statement } from 'better-sqlite3';
import type { Change } from '../records.ts';
import type { Listed, Page } from '../store.ts';
import type { EndedTask, TaskEnd, TaskFilter, TaskRecord, TaskStore } from '../tasks.ts';
import { grantChanges } from './grant-store.ts';
import { listPage } from './listing.ts';
import { TASKS, taskWhere } from './lists.ts';
import { endedChanges, taskChange } from './task-changes.ts';
import { TASK_COLUMNS, taskOf, taskValues } from './task-rows.ts';
import { type EndedAnswer, Op } from './wire.ts';
import type { Writer } from './writer.ts';

export class SqliteTaskStore implements TaskStore {
  readonly #db: Database;
  readonly #writer: Writer;
  readonly #get: Statement;

  constructor(db: Database, writer: Writer) {
    this.#db = db;
    this.#writer = writer;
    this.#get = db.prepare(`SELECT ${TASK_COLUMNS} FROM task WHERE id = ?`).raw();
  }

  async create(task: TaskRecord, identityRevision: number, by: string): Promise<void> {
    await this.#writer.run(Op.createTask, [taskValues(task), identityRevision, by], (done) =>
      this.#begun(task, done as readonly number[], by, task.stateSince),
    );
  }

  async activate(task: TaskRecord, identityRevision: number, by: string, at: number): Promise<void> {
    await this.#writer.run(Op.activateTask, [taskValues(task), identityRevision, by, at], (done) =>
      this.#begun(task, done as readonly number[], by, at),
    );
  }

  async end(id: string, end: TaskEnd, reason: string, by: string, at: number): Promise<readonly EndedTask[]> {
    const answer = await this.#writer.run(Op.endTask, [id, end, reason, by, at], (done) =>
      endedChanges(done as readonly EndedAnswer[], by, at),
    );
    return (answer as readonly EndedAnswer[]).map(({ row, revoked }) => ({ task: taskOf(row), revoked }));
  }

  get(id: string): TaskRecord | undefined {
    const row = this.#get.get(id) as readonly unknown[] | undefined;
    return row === undefined ? undefined : taskOf(row);
  }

  list(filter: TaskFilter, page: Page): Listed<TaskRecord> {
    return listPage(this.#db, TASKS, taskWhere(filter), page);
  }

  live(): readonly TaskRecord[] {
    const sql = `SELECT ${TASK_COLUMNS} FROM task WHERE state IN ('pending', 'active') ORDER BY id`;
    return (this.#db.prepare(sql).raw().all() as (readonly unknown[])[]).map(taskOf);
  }

  /** In sequence: its grant, of which a use was counted, and itself. */
  #begun(task: TaskRecord, [seq, drawn]: readonly number[], by: string, at: number): readonly Change[] {
    const used = task.grant === null ? [] : grantChanges(this.#db, task.grant, drawn as number, by, at);
    return [...used, taskChange(seq as number, task, by, at)];
  }
}
