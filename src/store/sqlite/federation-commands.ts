// SPDX-License-Identifier: Apache-2.0
/** Relationships with other trust domains, in the writer thread; each method runs inside a savepoint. */
import type { Database, Statement } from 'better-sqlite3';
import { Failure, quote } from '../../lib/failure.ts';
import type { ChangeLog } from './change-log.ts';
import type { EventLog } from './event-log.ts';
import { namedRow } from './row-payload.ts';
import { FEDERATION_COLUMNS } from './rows.ts';
import type { Value } from './wire.ts';

export class FederationCommands {
  readonly #log: ChangeLog;
  readonly #events: EventLog;
  readonly #put: Statement;
  readonly #delete: Statement;
  readonly #deleteBundle: Statement;

  constructor(db: Database, log: ChangeLog, events: EventLog) {
    this.#log = log;
    this.#events = events;
    this.#put = db.prepare(`INSERT OR REPLACE INTO federation (${FEDERATION_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`);
    this.#delete = db.prepare('DELETE FROM federation WHERE trust_domain = ?');
    this.#deleteBundle = db.prepare('DELETE FROM bundle WHERE trust_domain = ?');
  }

  put(values: Value[], trustDomain: string, by: string, at: number): number {
    this.#put.run(values);
    this.#events.note('federation.set', by, at, null, namedRow(FEDERATION_COLUMNS, values));
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
    this.#events.note('federation.delete', by, at, null, { trust_domain: trustDomain });
    const seq = this.#log.add('federation', 'delete', trustDomain, by, at);
    // guard: FED-24 test/store/federation.test.ts — a bundle that nothing renews must not stay trusted
    if (this.#deleteBundle.run(trustDomain).changes === 0) return [seq];
    this.#events.note('bundle.delete', by, at, null, { trust_domain: trustDomain });
    return [seq, this.#log.add('bundle', 'delete', trustDomain, by, at)];
  }
}
