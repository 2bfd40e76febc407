// SPDX-License-Identifier: Apache-2.0
/** Foreign bundles, in the writer thread; each method runs inside a savepoint. */
import type { Database, Statement } from 'better-sqlite3';
import { Failure, quote } from '../../lib/failure.ts';
import type { ChangeLog } from './change-log.ts';
import type { EventLog } from './event-log.ts';
import { bundleRow } from './row-payload.ts';
import type { BundleValues } from './rows.ts';

export class BundleCommands {
  readonly #log: ChangeLog;
  readonly #events: EventLog;
  readonly #put: Statement;
  readonly #addCertificate: Statement;
  readonly #addJwtKey: Statement;
  readonly #delete: Statement;

  constructor(db: Database, log: ChangeLog, events: EventLog) {
    this.#log = log;
    this.#events = events;
    this.#delete = db.prepare('DELETE FROM bundle WHERE trust_domain = ?');
    this.#put = db.prepare(
      'INSERT INTO bundle (trust_domain, updated_at, updated_by, sequence, refresh_hint_seconds) VALUES (?, ?, ?, ?, ?)',
    );
    this.#addCertificate = db.prepare(
      'INSERT INTO bundle_certificate (trust_domain, position, certificate) VALUES (?, ?, ?)',
    );
    this.#addJwtKey = db.prepare(
      'INSERT INTO bundle_jwt_key (trust_domain, position, kid, public_key) VALUES (?, ?, ?, ?)',
    );
  }

  put(values: BundleValues, by: string, at: number): number {
    const [trustDomain, certificates, jwtKeys, sequence, refreshHintSeconds] = values;
    this.#delete.run(trustDomain);
    this.#put.run(trustDomain, at, by, sequence, refreshHintSeconds);
    for (const [i, der] of certificates.entries()) this.#addCertificate.run(trustDomain, i, der);
    for (const [i, [kid, publicKey]] of jwtKeys.entries()) this.#addJwtKey.run(trustDomain, i, kid, publicKey);
    this.#events.note('bundle.set', by, at, null, bundleRow(values));
    return this.#log.add('bundle', 'put', trustDomain, by, at);
  }

  delete(trustDomain: string, by: string, at: number): number {
    if (this.#delete.run(trustDomain).changes === 0) {
      throw new Failure('not-found', 'BUNDLE_NOT_FOUND', `there is no bundle of trust domain ${quote(trustDomain)}`, {
        field: 'trust_domain',
        value: trustDomain,
        hint: 'list them with: assay bundle list',
      });
    }
    this.#events.note('bundle.delete', by, at, null, { trust_domain: trustDomain });
    return this.#log.add('bundle', 'delete', trustDomain, by, at);
  }

  /** Answers the first change: that of each bundle that is put, then of each that is deleted, follows without a gap. */
  replace(put: BundleValues[], deleted: string[], since: number, by: string, at: number): number {
    // guard: BUN-17 test/store/bundle-maps.test.ts — what was decided beside another change is not the state of the map
    if (this.#log.hasNewer(since, 'bundle', 'federation')) throw conflict();
    const seqs = [
      ...put.map((values) => this.put(values, by, at)),
      ...deleted.map((trustDomain) => this.delete(trustDomain, by, at)),
    ];
    return seqs[0] ?? since;
  }
}

function conflict(): Failure {
  return new Failure('aborted', 'REVISION_CONFLICT', 'the bundles were changed by someone else meanwhile', {
    hint: 'look at them with assay bundle list, and repeat the change',
  });
}
