// SPDX-License-Identifier: Apache-2.0
/** Findings: asked of the writer, and read. */
import { createHash } from 'node:crypto';
import type { Database, Statement } from 'better-sqlite3';
import { canonicalJson } from '../../lib/canonical-json.ts';
import {
  FINDING_KINDS,
  type FindingFilter,
  type FindingKind,
  type FindingRecord,
  type FindingStore,
  type NewFinding,
  type Novelty,
} from '../findings.ts';
import type { Change } from '../records.ts';
import type { Listed, Page } from '../store.ts';
import { NOVELTIES } from './finding-commands.ts';
import { FINDING_COLUMNS, findingOf } from './finding-rows.ts';
import { listPage } from './listing.ts';
import { FINDINGS, findingWhere } from './lists.ts';
import { Op } from './wire.ts';
import type { Writer } from './writer.ts';

export class SqliteFindingStore implements FindingStore {
  readonly #db: Database;
  readonly #writer: Writer;
  #get: Statement | undefined;
  #isOpen: Statement | undefined;

  constructor(db: Database, writer: Writer) {
    this.#db = db;
    this.#writer = writer;
  }

  async report({ detector, identity, task, evidence, key, at, count }: NewFinding, by: string): Promise<FindingRecord> {
    const digest = createHash('sha256').update(canonicalJson(key)).digest();
    const args = [detector, identity, digest, canonicalJson(evidence), count, by, at, task ?? null];
    // Nobody is given less because of a finding, so no decision waits for one.
    const told = (answer: unknown): readonly Change[] => this.#changes(...(answer as [number, number]), by, at);
    const [id = 0] = (await this.#writer.run(Op.reportFinding, args, told, false)) as readonly number[];
    return this.get(id) as FindingRecord;
  }

  async close(id: number, resolution: string, by: string, at: number): Promise<FindingRecord> {
    const args = [id, resolution, by, at];
    await this.#writer.run(Op.closeFinding, args, (seq) => this.#changes(id, seq as number, by, at), false);
    return this.get(id) as FindingRecord;
  }

  get(id: number): FindingRecord | undefined {
    this.#get ??= this.#db.prepare(`SELECT ${FINDING_COLUMNS} FROM finding WHERE id = ?`).raw();
    const row = this.#get.get(id) as readonly unknown[] | undefined;
    return row === undefined ? undefined : findingOf(row);
  }

  list(filter: FindingFilter, page: Page): Listed<FindingRecord> {
    return listPage(this.#db, FINDINGS, findingWhere(filter), page);
  }

  openDetectors(identity: string): readonly FindingKind[] {
    // One step in the index of those that are open for each: what is closed stays for good, and is not read.
    this.#isOpen ??= this.#db.prepare(
      'SELECT 1 FROM finding INDEXED BY finding_open WHERE detector = ? AND identity = ? AND closed_at IS NULL LIMIT 1',
    );
    const isOpen = this.#isOpen;
    return FINDING_KINDS.filter((detector) => isOpen.get(detector, identity) !== undefined);
  }

  async seeBinary(identity: string, binary: string, at: number): Promise<Novelty> {
    const novelty = await this.#writer.run(Op.seeBinary, [identity, binary, at]);
    return NOVELTIES[novelty as number] as Novelty;
  }

  #changes(id: number, seq: number, by: string, at: number): readonly Change[] {
    const finding = this.get(id);
    return finding === undefined ? [] : [{ seq, at, by, kind: 'finding', action: 'put', key: String(id), finding }];
  }
}
