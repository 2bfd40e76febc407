// SPDX-License-Identifier: Apache-2.0
/** The main thread's reading connection. WAL lets it read while the writer commits. */
import Database, { type Statement } from 'better-sqlite3';
import type { ApprovalStore } from '../approvals.ts';
import type { AuditStore } from '../events.ts';
import type { FindingStore } from '../findings.ts';
import type { GrantStore } from '../grants.ts';
import type { HumanStore } from '../humans.ts';
import type { PolicyStore } from '../policies.ts';
import type {
  AuthorityKind,
  AuthorityRecord,
  BundleRecord,
  EntryRecord,
  FederationRecord,
  IdentityRecord,
  IssuanceRecord,
  JwtKeyRecord,
} from '../records.ts';
import type { RevocationStore } from '../revocations.ts';
import type { EntryFilter, IdentityFilter, IssuanceFilter, Listed, Page } from '../store.ts';
import type { TargetStore } from '../targets.ts';
import type { TaskStore } from '../tasks.ts';
import { SqliteApprovalStore } from './approval-store.ts';
import { SqliteAuditStore } from './audit-store.ts';
import type { CounterName } from './counters.ts';
import { SqliteFindingStore } from './finding-store.ts';
import { SqliteGrantStore } from './grant-store.ts';
import { SqliteHumanStore } from './human-store.ts';
import { listPage } from './listing.ts';
import { ENTRIES, entryWhere, IDENTITIES, ISSUANCES, identityWhere, issuanceWhere } from './lists.ts';
import { SqlitePolicyStore } from './policy-store.ts';
import { SqliteRevocationStore } from './revocation-store.ts';
import {
  AUTHORITY_COLUMNS,
  authorityOf,
  FEDERATION_COLUMNS,
  federationOf,
  ISSUANCE_READ_COLUMNS,
  issuanceOf,
  PACKED_ENTRIES,
  PACKED_IDENTITIES,
} from './rows.ts';
import { SqliteTargetStore } from './target-store.ts';
import { SqliteTaskStore } from './task-store.ts';
import type { Writer } from './writer.ts';

type Row = readonly unknown[];

/** Rows in one buffer of a load. */
const PACKED_ROWS = 1000;

export class Reader {
  readonly #db: Database.Database;
  readonly #counter: Statement;
  readonly #meta: Statement;
  readonly #bySerial: Statement;

  constructor(path: string) {
    this.#db = new Database(path, { readonly: true });
    this.#counter = this.#db.prepare('SELECT value FROM counter WHERE name = ?').pluck();
    this.#meta = this.#db.prepare('SELECT value FROM meta WHERE key = ?').pluck();
    this.#bySerial = this.#db
      .prepare(
        `SELECT ${ISSUANCE_READ_COLUMNS} FROM issuance t JOIN identity i ON i.no = t.identity_no WHERE t.serial = ?`,
      )
      .raw();
  }

  audit(writer: Writer): AuditStore {
    return new SqliteAuditStore(this.#db, writer);
  }

  humans(writer: Writer): HumanStore {
    return new SqliteHumanStore(this.#db, writer);
  }

  policies(writer: Writer): PolicyStore {
    return new SqlitePolicyStore(this.#db, writer);
  }

  targets(writer: Writer): TargetStore {
    return new SqliteTargetStore(this.#db, writer);
  }

  revocations(writer: Writer): RevocationStore {
    return new SqliteRevocationStore(this.#db, writer);
  }

  findings(writer: Writer): FindingStore {
    return new SqliteFindingStore(this.#db, writer);
  }

  approvals(writer: Writer): ApprovalStore {
    return new SqliteApprovalStore(this.#db, writer);
  }

  grants(writer: Writer): GrantStore {
    return new SqliteGrantStore(this.#db, writer);
  }

  tasks(writer: Writer): TaskStore {
    return new SqliteTaskStore(this.#db, writer);
  }

  counter(name: CounterName): number {
    return this.#counter.get(name) as number;
  }

  meta(key: string): string | undefined {
    return this.#meta.get(key) as string | undefined;
  }

  entries(): Iterable<Buffer> {
    return this.#packed(`SELECT ${PACKED_ENTRIES} FROM entry t JOIN identity i ON i.no = t.identity_no`, 'entry');
  }

  identities(): Iterable<Buffer> {
    return this.#packed(`SELECT ${PACKED_IDENTITIES} FROM identity t`, 'identity');
  }

  /** Joined inside SQLite: a value for a thousand rows costs a fraction of a thousand rows of values. */
  *#packed(select: string, table: 'entry' | 'identity'): Iterable<Buffer> {
    const newest = this.#db.prepare(`SELECT coalesce(max(no), 0) FROM ${table}`).pluck().get() as number;
    const chunk = this.#db.prepare(`${select} WHERE t.no > ? AND t.no <= ?`).pluck();
    for (let no = 0; no < newest; no += PACKED_ROWS) {
      const bytes = chunk.get(no, no + PACKED_ROWS) as Buffer | null;
      if (bytes !== null) yield bytes;
    }
  }

  bundles(): BundleRecord[] {
    const certificates = this.#db
      .prepare('SELECT certificate FROM bundle_certificate WHERE trust_domain = ? ORDER BY position')
      .pluck();
    const jwtKeys = this.#db.prepare(
      'SELECT kid, public_key AS publicKey FROM bundle_jwt_key WHERE trust_domain = ? ORDER BY position',
    );
    const rows = this.#db
      .prepare(
        'SELECT trust_domain, updated_at, updated_by, sequence, refresh_hint_seconds FROM bundle ORDER BY trust_domain',
      )
      .raw();
    type BundleRow = [string, number, string, string | null, number | null];
    return (rows.all() as BundleRow[]).map(([trustDomain, updatedAt, updatedBy, sequence, refreshHintSeconds]) => ({
      trustDomain,
      certificates: certificates.all(trustDomain) as Buffer[],
      jwtKeys: jwtKeys.all(trustDomain) as JwtKeyRecord[],
      sequence: sequence === null ? null : BigInt(sequence),
      refreshHintSeconds,
      updatedAt,
      updatedBy,
    }));
  }

  relationships(): FederationRecord[] {
    const rows = this.#db.prepare(`SELECT ${FEDERATION_COLUMNS} FROM federation ORDER BY trust_domain`).raw();
    return (rows.all() as Row[]).map(federationOf);
  }

  authorities(kind?: AuthorityKind): AuthorityRecord[] {
    const rows = this.#db
      .prepare(`SELECT ${AUTHORITY_COLUMNS} FROM authority WHERE kind = ifnull(?, kind) ORDER BY prepared_at, id`)
      .raw();
    return (rows.all(kind ?? null) as Row[]).map(authorityOf);
  }

  bySerial(serial: string): IssuanceRecord | undefined {
    if (!/^(?:[0-9a-f]{2})+$/.test(serial)) return undefined;
    const row = this.#bySerial.get(Buffer.from(serial, 'hex')) as Row | undefined;
    return row === undefined ? undefined : issuanceOf(row);
  }

  listEntries(filter: EntryFilter, page: Page): Listed<EntryRecord> {
    return listPage(
      this.#db,
      ENTRIES,
      entryWhere(filter, (selector) => this.#isRare(selector)),
      page,
    );
  }

  listIdentities(filter: IdentityFilter, page: Page): Listed<IdentityRecord> {
    return listPage(this.#db, IDENTITIES, identityWhere(filter), page);
  }

  listIssuances(filter: IssuanceFilter, page: Page): Listed<IssuanceRecord> {
    return listPage(this.#db, ISSUANCES, issuanceWhere(filter), page);
  }

  #isRare(selector: string): boolean {
    const few = this.#db.prepare('SELECT count(*) FROM (SELECT 1 FROM entry_selector WHERE selector = ? LIMIT 1000)');
    return (few.pluck().get(selector) as number) < 1000;
  }

  close(): void {
    this.#db.close();
  }
}
