// SPDX-License-Identifier: Apache-2.0
/** Foreign bundles, in the writer thread; each method runs inside a savepoint. */
import type { Database, Statement } from 'better-sqlite3';
import { Failure, quote } from '../../lib/failure.ts';
import type { ChangeLog } from './change-log.ts';

export class BundleCommands {
  readonly #log: ChangeLog;
  readonly #put: Statement;
  readonly #addCertificate: Statement;
  readonly #addJwtKey: Statement;
  readonly #delete: Statement;

  constructor(db: Database, log: ChangeLog) {
    this.#log = log;
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

  /** The sequence as text: it may have 64 bits, more than SQLite's integers hold without a sign. */
  put(
    trustDomain: string,
    certificates: Uint8Array[],
    jwtKeys: [string, Uint8Array][],
    sequence: string | null,
    refreshHintSeconds: number | null,
    by: string,
    at: number,
  ): number {
    this.#delete.run(trustDomain);
    this.#put.run(trustDomain, at, by, sequence, refreshHintSeconds);
    for (const [i, der] of certificates.entries()) this.#addCertificate.run(trustDomain, i, der);
    for (const [i, [kid, publicKey]] of jwtKeys.entries()) this.#addJwtKey.run(trustDomain, i, kid, publicKey);
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
    return this.#log.add('bundle', 'delete', trustDomain, by, at);
  }
}
