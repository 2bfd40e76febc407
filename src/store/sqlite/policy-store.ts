// SPDX-License-Identifier: Apache-2.0
/** Sets of policies: asked of the writer, and read. */
import type { Database } from 'better-sqlite3';
import type { LiveStep, NewPolicySet, PolicySetRecord, PolicyStore } from '../policies.ts';
import type { Change } from '../records.ts';
import type { Listed, Page } from '../store.ts';
import { Conditions, listPage } from './listing.ts';
import { POLICY_SETS } from './lists.ts';
import { POLICY_COLUMNS, policySetOf } from './policy-rows.ts';
import { Op, type Value } from './wire.ts';
import type { Writer } from './writer.ts';

export class SqlitePolicyStore implements PolicyStore {
  readonly #db: Database;
  readonly #writer: Writer;

  constructor(db: Database, writer: Writer) {
    this.#db = db;
    this.#writer = writer;
  }

  live(): PolicySetRecord | undefined {
    return this.#one("mode = 'live'");
  }

  shadow(): PolicySetRecord | undefined {
    return this.#one("mode = 'shadow'");
  }

  get(hash: string): PolicySetRecord | undefined {
    return this.#one('hash = ?', hash);
  }

  previous(): PolicySetRecord | undefined {
    return this.#one("mode = 'past' AND left_at IS NOT NULL ORDER BY left_at DESC, loaded_at DESC LIMIT 1");
  }

  list(page: Page): Listed<PolicySetRecord> {
    return listPage(this.#db, POLICY_SETS, { scope: new Conditions(), filter: new Conditions() }, page);
  }

  setLive(set: NewPolicySet, step: LiveStep, replaces: string | null, by: string, at: number): Promise<void> {
    return this.#write(Op.setLivePolicy, [valuesOf(set), step, replaces, by, at], set.hash, by, at);
  }

  setShadow(set: NewPolicySet, by: string, at: number): Promise<void> {
    return this.#write(Op.setShadowPolicy, [valuesOf(set), by, at], set.hash, by, at);
  }

  endShadow(by: string, at: number): Promise<void> {
    return this.#write(Op.endShadowPolicy, [by, at], '', by, at);
  }

  async #write(op: number, args: readonly unknown[], key: string, by: string, at: number): Promise<void> {
    const told = (seq: unknown): readonly Change[] => [
      { seq: seq as number, at, by, kind: 'policy', action: 'put', key },
    ];
    await this.#writer.run(op, args as unknown[], told);
  }

  #one(where: string, ...values: readonly string[]): PolicySetRecord | undefined {
    const row = this.#db.prepare(`SELECT ${POLICY_COLUMNS} FROM policy_set WHERE ${where}`).raw().get(values);
    return row === undefined ? undefined : policySetOf(row as readonly unknown[]);
  }
}

function valuesOf({ hash, schemaHash, text }: NewPolicySet): Value[] {
  return [hash, schemaHash, text];
}
