// SPDX-License-Identifier: Apache-2.0
/** Grants: asked of the writer, and read. */
import type { Database } from 'better-sqlite3';
import type { GrantFilter, GrantRecord, GrantStep, GrantStore } from '../grants.ts';
import type { Change } from '../records.ts';
import type { Listed, Page } from '../store.ts';
import type { EndedTask } from '../tasks.ts';
import { GRANT_COLUMNS, grantOf, grantValues } from './grant-rows.ts';
import { listPage } from './listing.ts';
import { GRANTS, grantWhere } from './lists.ts';
import { endedChanges } from './task-changes.ts';
import { taskOf } from './task-rows.ts';
import { type GrantEndedAnswer, Op } from './wire.ts';
import type { Writer } from './writer.ts';

export class SqliteGrantStore implements GrantStore {
  readonly #db: Database;
  readonly #writer: Writer;

  constructor(db: Database, writer: Writer) {
    this.#db = db;
    this.#writer = writer;
  }

  async create(grant: GrantRecord, by: string): Promise<void> {
    await this.#writer.run(Op.createGrant, [grantValues(grant), by], (seq) =>
      grantChanges(this.#db, grant.id, seq as number, by, grant.createdAt),
    );
  }

  async step(id: string, to: GrantStep, reason: string | null, by: string, at: number): Promise<boolean> {
    const seq = await this.#writer.run(Op.stepGrant, [id, to, reason, by, at], (done) =>
      grantChanges(this.#db, id, done as number, by, at),
    );
    return seq !== 0;
  }

  async revoke(id: string, reason: string, by: string, at: number): Promise<readonly EndedTask[]> {
    const answer = await this.#writer.run(Op.revokeGrant, [id, reason, by, at], (done) => {
      const { seq, ended } = done as GrantEndedAnswer;
      return [...grantChanges(this.#db, id, seq, by, at), ...endedChanges(ended, by, at)];
    });
    return (answer as GrantEndedAnswer).ended.map(({ row, revoked }) => ({ task: taskOf(row), revoked }));
  }

  get(id: string): GrantRecord | undefined {
    return grantById(this.#db, id);
  }

  list(filter: GrantFilter, page: Page): Listed<GrantRecord> {
    return listPage(this.#db, GRANTS, grantWhere(filter), page);
  }

  open(): readonly GrantRecord[] {
    const sql = `SELECT ${GRANT_COLUMNS} FROM grant WHERE state IN ('requested', 'pending', 'active') ORDER BY id`;
    return (this.#db.prepare(sql).raw().all() as (readonly unknown[])[]).map(grantOf);
  }
}

function grantById(db: Database, id: string): GrantRecord | undefined {
  const row = db.prepare(`SELECT ${GRANT_COLUMNS} FROM grant WHERE id = ?`).raw().get(id);
  return row === undefined ? undefined : grantOf(row as readonly unknown[]);
}

/** As it is now. None where nothing was written. */
export function grantChanges(db: Database, id: string, seq: number, by: string, at: number): readonly Change[] {
  const grant = seq === 0 ? undefined : grantById(db, id);
  return grant === undefined ? [] : [{ seq, at, by, kind: 'grant', action: 'put', key: id, grant }];
}
