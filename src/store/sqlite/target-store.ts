// SPDX-License-Identifier: Apache-2.0
/** Targets: read at the start, written by the writer. */
import type { Database } from 'better-sqlite3';
import type { TargetRecord, TargetStore } from '../targets.ts';
import { TARGET_COLUMNS, targetOf, targetValues } from './target-rows.ts';
import { Op } from './wire.ts';
import type { Writer } from './writer.ts';

export class SqliteTargetStore implements TargetStore {
  readonly #db: Database;
  readonly #writer: Writer;

  constructor(db: Database, writer: Writer) {
    this.#db = db;
    this.#writer = writer;
  }

  load(): readonly TargetRecord[] {
    const rows = this.#db.prepare(`SELECT ${TARGET_COLUMNS} FROM target ORDER BY name`).raw().all();
    return (rows as (readonly unknown[])[]).map(targetOf);
  }

  async put(target: TargetRecord, step: 'put' | 'retire', by: string, at: number): Promise<void> {
    await this.#writer.run(Op.putTarget, [targetValues(target), step, by, at], (seq) => [
      { seq: seq as number, at, by, kind: 'target', action: 'put', key: target.name, target },
    ]);
  }
}
