// SPDX-License-Identifier: Apache-2.0
/** People: read at the start, written by the writer. */
import type { Database } from 'better-sqlite3';
import type { HumanRecord, HumanStep, HumanStore } from '../humans.ts';
import type { IdentityRecord } from '../records.ts';
import { HUMAN_COLUMNS, humanOf, humanValues, KEY_COLUMNS, keyValues } from './human-rows.ts';
import { identityChanges } from './revocation-store.ts';
import { identityOf } from './rows.ts';
import { Op, type RevokedAnswer } from './wire.ts';
import type { Writer } from './writer.ts';

type Row = readonly unknown[];

export class SqliteHumanStore implements HumanStore {
  readonly #db: Database;
  readonly #writer: Writer;

  constructor(db: Database, writer: Writer) {
    this.#db = db;
    this.#writer = writer;
  }

  load(): readonly HumanRecord[] {
    const keys = this.#db
      .prepare(`SELECT ${KEY_COLUMNS} FROM human_key WHERE human = ? AND removed_at IS NULL ORDER BY fingerprint`)
      .raw();
    const rows = this.#db.prepare(`SELECT ${HUMAN_COLUMNS} FROM human ORDER BY name`).raw().all() as Row[];
    return rows.map((row) => humanOf(row, keys.all(row[0]) as Row[]));
  }

  async put(human: HumanRecord, step: HumanStep, by: string, at: number): Promise<readonly IdentityRecord[]> {
    const args = [humanValues(human), human.keys.map(keyValues), step, by, at];
    let suspended: readonly IdentityRecord[] = [];
    await this.#writer.run(Op.putHuman, args, (answer) => {
      const [own, ...rest] = answer as readonly RevokedAnswer[];
      suspended = rest.map(({ identity }) => identityOf(identity as Row));
      return [
        { seq: own?.seq ?? 0, at, by, kind: 'human', action: 'put', key: human.name, human },
        ...rest.flatMap((one, i) => identityChanges(one, suspended[i] as IdentityRecord, by, at)),
      ];
    });
    return suspended;
  }
}
