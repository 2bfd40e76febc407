// SPDX-License-Identifier: Apache-2.0
/**
 * The store on SQLite: a writer thread that owns every write (writer.ts), a reading connection on the main thread, and
 * the folder, lock, migrations and high-water mark looked at before either starts. `docs/data.md` describes the tables.
 */
import type { Clock } from '../../lib/clock.ts';
import type { LatencySnapshot } from '../../lib/latency-histogram.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type {
  AuthorityKind,
  AuthorityRecord,
  BundleRecord,
  Change,
  EntryRecord,
  FederationRecord,
  IdentityRecord,
  IssuanceRecord,
  NewIssuance,
} from '../records.ts';
import type { BundleReplacement, EntryFilter, IdentityFilter, IssuanceFilter, Listed, Page, Store } from '../store.ts';
import type { CommitGate } from './commit-gate.ts';
import { type DataFiles, prepareDataDir } from './data-dir.ts';
import { type InstanceLock, lockDataDir } from './instance-lock.ts';
import { prepareDatabase } from './prepare-database.ts';
import { Reader } from './reader.ts';
import { SqliteReportStore } from './report/report-store.ts';
import { identityChanges } from './revocation-store.ts';
import {
  authorityValues,
  bundleChanges,
  bundleValues,
  entryValues,
  federationValues,
  identityValues,
  pushIssuance,
  relationshipDeleted,
} from './rows.ts';
import { Op, type RevokedAnswer } from './wire.ts';
import { Writer } from './writer.ts';

export interface SqliteStoreOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Test seam. */
  readonly synchronous?: 'FULL' | 'OFF';
  /** Test seam: holds the writer just before a commit. */
  readonly holdCommit?: CommitGate;
}

export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const files = prepareDataDir(options.dataDir, process.geteuid?.() ?? 0);
  const lock = lockDataDir(files.lock, files.dir);
  try {
    prepareDatabase(files, options.clock.now());
    return new SqliteStore(files, lock, options);
  } catch (error) {
    lock.release();
    throw error;
  }
}

class SqliteStore implements Store {
  readonly audit: Store['audit'];
  readonly revocations: Store['revocations'];
  readonly findings: Store['findings'];
  readonly reports: SqliteReportStore;
  readonly humans: Store['humans'];
  readonly policies: Store['policies'];
  readonly targets: Store['targets'];
  readonly tasks: Store['tasks'];
  readonly approvals: Store['approvals'];
  readonly grants: Store['grants'];
  readonly #reader: Reader;
  readonly #writer: Writer;
  readonly #lock: InstanceLock;
  readonly #clock: Clock;
  #closed: Promise<void> | undefined;

  constructor(files: DataFiles, lock: InstanceLock, options: SqliteStoreOptions) {
    const { clock, log, synchronous = 'FULL' } = options;
    const gate = options.holdCommit?.shared;
    this.#lock = lock;
    this.#clock = clock;
    this.#reader = new Reader(files.database);
    const setup = { databasePath: files.database, markPath: files.mark, synchronous, gate } as const;
    this.#writer = new Writer(setup, clock, log);
    this.audit = this.#reader.audit(this.#writer);
    this.revocations = this.#reader.revocations(this.#writer);
    this.reports = new SqliteReportStore(files.database, clock);
    this.findings = this.#reader.findings(this.#writer);
    this.humans = this.#reader.humans(this.#writer);
    this.policies = this.#reader.policies(this.#writer);
    this.targets = this.#reader.targets(this.#writer);
    this.tasks = this.#reader.tasks(this.#writer);
    this.approvals = this.#reader.approvals(this.#writer);
    this.grants = this.#reader.grants(this.#writer);
  }

  loadEntries(): Iterable<Buffer> {
    return this.#reader.entries();
  }

  loadIdentities(): Iterable<Buffer> {
    return this.#reader.identities();
  }

  listEntries(filter: EntryFilter, page: Page): Listed<EntryRecord> {
    return this.#reader.listEntries(filter, page);
  }

  listIdentities(filter: IdentityFilter, page: Page): Listed<IdentityRecord> {
    return this.#reader.listIdentities(filter, page);
  }

  async createEntry(entry: EntryRecord, newIdentity: IdentityRecord | undefined, by: string): Promise<void> {
    const at = entry.createdAt;
    const identity = newIdentity === undefined ? null : identityValues(newIdentity);
    const args = [entryValues(entry), identity, entry.spiffeId, by, at];
    await this.#writer.run(Op.createEntry, args, (answer) => {
      const seq = answer as number;
      const put = { at, by, kind: 'entry', action: 'put', key: entry.id, entry } as const;
      if (newIdentity === undefined) return [{ seq, ...put }];
      return [
        { seq, at, by, kind: 'identity', action: 'put', key: entry.spiffeId, identity: newIdentity },
        { seq: seq + 1, ...put },
      ];
    });
  }

  async updateEntry(entry: EntryRecord, by: string): Promise<void> {
    const at = this.#clock.now();
    await this.#writer.run(Op.updateEntry, [entryValues(entry), entry.spiffeId, by, at], (seq) => [
      { seq: seq as number, at, by, kind: 'entry', action: 'put', key: entry.id, entry },
    ]);
  }

  async deleteEntry(id: string, by: string, at: number): Promise<void> {
    const kind = { kind: 'entry', action: 'delete', key: id } as const;
    await this.#writer.run(Op.deleteEntry, [id, by, at], (seq) => [{ seq: seq as number, at, by, ...kind }]);
  }

  async createIdentity(identity: IdentityRecord, by: string): Promise<void> {
    const { spiffeId: key, createdAt: at } = identity;
    await this.#writer.run(Op.createIdentity, [identityValues(identity), by, at], (seq) => [
      { seq: seq as number, at, by, kind: 'identity', action: 'put', key, identity },
    ]);
  }

  async retireIdentity(identity: IdentityRecord, by: string): Promise<void> {
    const at = this.#clock.now();
    await this.#writer.run(Op.retireIdentity, [identityValues(identity), by, at], (answer) =>
      identityChanges(answer as RevokedAnswer, identity, by, at),
    );
  }

  async updateIdentity(identity: IdentityRecord, by: string): Promise<void> {
    const at = this.#clock.now();
    await this.#writer.run(Op.updateIdentity, [identityValues(identity), by, at], (answer) =>
      identityChanges(answer as RevokedAnswer, identity, by, at),
    );
  }

  loadBundles(): Iterable<BundleRecord> {
    return this.#reader.bundles();
  }

  async putBundle(bundle: BundleRecord): Promise<void> {
    const { trustDomain: key, updatedAt: at, updatedBy: by } = bundle;
    await this.#writer.run(Op.putBundle, [bundleValues(bundle), by, at], (seq) => [
      { seq: seq as number, at, by, kind: 'bundle', action: 'put', key, bundle },
    ]);
  }

  async deleteBundle(trustDomain: string, by: string, at: number): Promise<void> {
    await this.#writer.run(Op.deleteBundle, [trustDomain, by, at], (seq) => [
      { seq: seq as number, at, by, kind: 'bundle', action: 'delete', key: trustDomain },
    ]);
  }

  async replaceBundles(replacement: BundleReplacement, since: number, by: string, at: number): Promise<void> {
    const { put, deleted } = replacement;
    await this.#writer.run(Op.replaceBundles, [put.map(bundleValues), deleted, since, by, at], (first) =>
      bundleChanges(replacement, first as number, by, at),
    );
  }

  loadRelationships(): readonly FederationRecord[] {
    return this.#reader.relationships();
  }

  async putRelationship(relationship: FederationRecord): Promise<void> {
    const { trustDomain: key, createdAt: at, createdBy: by } = relationship;
    await this.#writer.run(Op.putRelationship, [federationValues(relationship), key, by, at], (seq) => [
      { seq: seq as number, at, by, kind: 'federation', action: 'put', key },
    ]);
  }

  async deleteRelationship(key: string, by: string, at: number): Promise<void> {
    const told = (answer: unknown): readonly Change[] => relationshipDeleted(answer as readonly number[], key, by, at);
    await this.#writer.run(Op.deleteRelationship, [key, by, at], told);
  }

  loadAuthorities(kind?: AuthorityKind): readonly AuthorityRecord[] {
    return this.#reader.authorities(kind);
  }

  ownBundleSequence(): number {
    return this.#reader.counter('bundle');
  }

  async replaceAuthorities(
    kind: AuthorityKind,
    next: readonly AuthorityRecord[],
    expectedRevisions: ReadonlyMap<string, number>,
    cause: string,
    by: string,
    at: number,
  ): Promise<void> {
    const args = [kind, next.map(authorityValues), [...expectedRevisions], cause, by, at];
    await this.#writer.run(Op.replaceAuthorities, args, (answer): readonly Change[] => {
      const [seq = 0, bundleSequence = 0, ...signed] = answer as readonly number[];
      const authorities = next.map((one, i) => ({ ...one, lastSvidNotAfter: signed[i] ?? one.lastSvidNotAfter }));
      return [{ seq, at, by, kind: 'authority', action: 'put', key: cause, authorities, bundleSequence }];
    });
  }

  async record(issuance: NewIssuance): Promise<{ readonly seq: number }> {
    return { seq: (await this.#writer.record((message) => pushIssuance(message, issuance))) as number };
  }

  async markUndelivered(seq: number, reason: string): Promise<void> {
    await this.#writer.run(Op.undelivered, [seq, reason, this.#clock.now()]);
  }

  bySerial(serial: string): IssuanceRecord | undefined {
    return this.#reader.bySerial(serial);
  }

  list(filter: IssuanceFilter, page: Page): Listed<IssuanceRecord> {
    return this.#reader.listIssuances(filter, page);
  }

  prune(olderThan: number): Promise<number> {
    return this.#inSlices(Op.pruneIssuance, olderThan, this.#clock.now());
  }

  pruneChanges(keep: number): Promise<number> {
    return this.#inSlices(Op.pruneChanges, keep);
  }

  async #inSlices(op: number, ...args: readonly number[]): Promise<number> {
    let removed = 0;
    for (let count = -1; count !== 0; removed += count) count = (await this.#writer.run(op, args)) as number;
    return removed;
  }

  getMeta(key: string): string | undefined {
    return this.#reader.meta(key);
  }

  async setMetaOnce(key: string, value: string): Promise<void> {
    await this.#writer.run(Op.setMetaOnce, [key, value, this.#clock.now()]);
  }

  lastChangeSeq(): number {
    return this.#reader.counter('change');
  }

  lastIssuanceSeq(): number {
    return this.#reader.counter('issuance');
  }

  latestTime(): number {
    return this.#reader.counter('latest_time');
  }

  onChanges(listener: (changes: readonly Change[]) => void): () => void {
    return this.#writer.onChanges(listener);
  }

  changesInFlight(): Promise<void> | undefined {
    return this.#writer.changesInFlight();
  }

  onTrouble(listener: (error: Error | undefined) => void): () => void {
    return this.#writer.onTrouble(listener);
  }

  get commitLatency(): LatencySnapshot {
    return this.#writer.commits.snapshot();
  }

  close(): Promise<void> {
    const readers = (): Promise<void> => this.reports.close().finally(() => this.#reader.close());
    this.#closed ??= this.#writer.close(readers).finally(() => this.#lock.release());
    return this.#closed;
  }
}
