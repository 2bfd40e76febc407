// SPDX-License-Identifier: Apache-2.0
/** Relationships with other trust domains, in the writer thread; each method runs inside a savepoint. */
import type { Database, Statement } from 'better-sqlite3';
import { Failure, quote } from '../../lib/failure.ts';
import type { ChangeLog } from './change-log.ts';
import { FEDERATION_COLUMNS } from './rows.ts';
import type { Value } from './wire.ts';

export class FederationCommands {
  readonly #log: ChangeLog;
  readonly #put: Statement;
  readonly #delete: Statement;
  readonly #deleteBundle: Statement;

  constructor(db: Database, log: ChangeLog) {
    this.#log = log;
    this.#put = db.prepare(`INSERT OR REPLACE INTO federation (${FEDERATION_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`);
    this.#delete = db.prepare('DELETE FROM federation WHERE trust_domain = ?');
    this.#deleteBundle = db.prepare('DELETE FROM bundle WHERE trust_domain = ?');
  }

  put(values: Value[], trustDomain: string, by: string, at: number): number {
    this.#put.run(values);
    return this.#log.add('federation', 'put', trustDomain, by, at);
  }

  /** Answers the change of the relationship, and that of the bundle when there was one. */
  delete(trustDomain: string, by: string, at: number): number[] {
    if (this.#delete.run(trustDomain).changes === 0) {
      throw new Failure('not-found', 'FEDERATION_NOT_FOUND', `there is no relationship with ${quote(trustDomain)}`, {
        field: 'trust_domain',
        value: trustDomain,
        hint: 'list them with: assay federation list',
      });
    }
    const seq = this.#log.add('federation', 'delete', trustDomain, by, at);
    // guard: FED-24 test/store/federation.test.ts — a bundle that nothing renews must not stay trusted
    if (this.#deleteBundle.run(trustDomain).changes > 0)
      return [seq, this.#log.add('bundle', 'delete', trustDomain, by, at)];
    return [seq];
  }
}
