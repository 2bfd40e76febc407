// SPDX-License-Identifier: Apache-2.0
/**
 * What the daemon asks of a store, by aggregate. Every writing method is one transaction: when its promise
 * resolves, the rows and their changes are durable (fsynced), the changes have been handed to `onChanges` listeners in
 * sequence order, and nothing of it can be lost by a crash. A rejection means nothing was written.
 * Rules (what may be created, by whom) live in `registry/` and `authority/`; a store guards only what a race could
 * break: uniqueness, tombstones, revisions.
 */

import type { LatencySnapshot } from '../lib/latency-histogram.ts';
import type { ApprovalStore } from './approvals.ts';
import type { AuditStore } from './events.ts';
import type { FindingStore } from './findings.ts';
import type { GrantStore } from './grants.ts';
import type { HumanStore } from './humans.ts';
import type { PolicyStore } from './policies.ts';
import type {
  AuthorityKind,
  AuthorityRecord,
  BundleRecord,
  Change,
  EntryRecord,
  FederationRecord,
  IdentityKind,
  IdentityRecord,
  IdentityState,
  IssuanceRecord,
  NewIssuance,
} from './records.ts';
import type { ReportStore } from './reports.ts';
import type { RevocationStore } from './revocations.ts';
import type { TargetStore } from './targets.ts';
import type { TaskStore } from './tasks.ts';

export interface Page {
  /** At most this many rows, 1..1000. */
  readonly limit: number;
  /** Opaque; from the previous page. */
  readonly after?: string;
}

export interface Listed<Row> {
  readonly rows: readonly Row[];
  /** Where the next page begins; a page may be short, even empty, and have one. */
  readonly next?: string;
}

/** All that is given must hold. */
export interface EntryFilter {
  readonly spiffeId?: string | undefined;
  /** The SPIFFE ID begins with this text. */
  readonly spiffeIdPrefix?: string | undefined;
  readonly parentId?: string | undefined;
  /** Each of these is among the entry's. */
  readonly selectors?: readonly string[] | undefined;
  readonly federatesWith?: string | undefined;
  readonly hint?: string | undefined;
}

export interface IdentityFilter {
  readonly spiffeIdPrefix?: string | undefined;
  readonly state?: IdentityState | undefined;
  readonly kind?: IdentityKind | undefined;
  readonly owner?: string | undefined;
  /** Expires before this time. */
  readonly expiresBefore?: number | undefined;
}

export interface RegistryStore {
  /** Everything, in no order; used once, at start. Each buffer holds packed rows (packed.ts) and is the caller's. */
  loadEntries(): Iterable<Buffer>;
  loadIdentities(): Iterable<Buffer>;
  /** In (created_at, id) order. */
  listEntries(filter: EntryFilter, page: Page): Listed<EntryRecord>;
  /** In SPIFFE ID order. */
  listIdentities(filter: IdentityFilter, page: Page): Listed<IdentityRecord>;
  /**
   * Writes the entry and, when its SPIFFE ID is new, the identity with it. Rejects with Failure('already-exists',
   * 'ENTRY_EXISTS' | 'ENTRY_ID_EXISTS') naming the existing id, ('failed-precondition', 'IDENTITY_RETIRED'), or
   * ('aborted', 'REVISION_CONFLICT') when `newIdentity` is given though that identity exists, or is missing though
   * none does: someone else was faster, decide again.
   */
  createEntry(entry: EntryRecord, newIdentity: IdentityRecord | undefined, by: string): Promise<void>;
  /** Rejects with ('aborted', 'REVISION_CONFLICT') when the stored revision is not `entry.revision - 1`. */
  updateEntry(entry: EntryRecord, by: string): Promise<void>;
  /** Rejects with ('not-found', 'ENTRY_NOT_FOUND'). */
  deleteEntry(id: string, by: string, at: number): Promise<void>;
  /** Rejects with ('already-exists', 'IDENTITY_EXISTS'). */
  createIdentity(identity: IdentityRecord, by: string): Promise<void>;
  /** With all its entries gone in the same step; what it was given is revoked. Rejects as updateEntry does. */
  retireIdentity(identity: IdentityRecord, by: string): Promise<void>;
  /** Rejects as updateEntry does. One that is no longer active takes back what it was given. */
  updateIdentity(identity: IdentityRecord, by: string): Promise<void>;
}

export interface BundleReplacement {
  readonly put: readonly BundleRecord[];
  /** Trust domains. */
  readonly deleted: readonly string[];
}

export interface BundleStore {
  loadBundles(): Iterable<BundleRecord>;
  putBundle(bundle: BundleRecord): Promise<void>;
  /** Rejects with ('not-found', 'BUNDLE_NOT_FOUND'). */
  deleteBundle(trustDomain: string, by: string, at: number): Promise<void>;
  /**
   * All of it in one step, with a change for each bundle. Rejects with ('aborted', 'REVISION_CONFLICT') when a bundle or a
   * relationship has changed after `since`, a change sequence, and with ('not-found', 'BUNDLE_NOT_FOUND').
   */
  replaceBundles(replacement: BundleReplacement, since: number, by: string, at: number): Promise<void>;
}

export interface FederationStore {
  /** By trust domain. */
  loadRelationships(): readonly FederationRecord[];
  /** In the place of one with the same trust domain. */
  putRelationship(relationship: FederationRecord): Promise<void>;
  /** Takes the trust domain's bundle along, in one step. Rejects with ('not-found', 'FEDERATION_NOT_FOUND'). */
  deleteRelationship(trustDomain: string, by: string, at: number): Promise<void>;
}

export interface AuthorityStore {
  /** Of one kind, or all. */
  loadAuthorities(kind?: AuthorityKind): readonly AuthorityRecord[];
  ownBundleSequence(): number;
  /**
   * Replaces the set of authorities of one kind in one step (the journal). Rejects with ('aborted', 'REVISION_CONFLICT') unless
   * what is stored now is what `expectedRevisions` says (id -> revision). The bundle sequence grows by one
   * when the set of what is published changes. A stored `lastSvidNotAfter` that is later than the one given stands.
   */
  replaceAuthorities(
    kind: AuthorityKind,
    next: readonly AuthorityRecord[],
    expectedRevisions: ReadonlyMap<string, number>,
    cause: string,
    by: string,
    at: number,
  ): Promise<void>;
}

export interface IssuanceFilter {
  readonly activeAt?: number;
  readonly spiffeId?: string;
  readonly entryId?: string;
  readonly revoked?: boolean;
}

export interface IssuanceStore {
  /**
   * Records one SVID, or rejects with ('aborted', 'DECISION_STALE') when the entry, identity or authority is no longer
   * as decided (I3, design section 2). No key may leave before this resolves. The row says `delivered` from the
   * start, so a crash between commit and send errs on that side. Raises the authority's `lastSvidNotAfter`.
   */
  record(issuance: NewIssuance): Promise<{ readonly seq: number }>;
  /** Marks a recorded SVID as never sent. Durable with the next batch; need not be awaited. */
  markUndelivered(seq: number, reason: string): Promise<void>;
  bySerial(serial: string): IssuanceRecord | undefined;
  /** Newest first. */
  list(filter: IssuanceFilter, page: Page): Listed<IssuanceRecord>;
  /** Removes rows whose notAfter lies before `olderThan`, in small transactions. Resolves with the count. */
  prune(olderThan: number): Promise<number>;
}

export interface MetaStore {
  /** Values fixed at the first start: trust_domain, node_id, instance. */
  getMeta(key: string): string | undefined;
  /** Rejects with ('failed-precondition', 'META_FIXED') when another value stands. */
  setMetaOnce(key: string, value: string): Promise<void>;
  /** The latest change sequence, and the largest wall-clock time of any row. */
  lastChangeSeq(): number;
  lastIssuanceSeq(): number;
  latestTime(): number;
  /** Removes all but the last `keep` changes (at least 1), in small transactions. Resolves with the count. */
  pruneChanges(keep: number): Promise<number>;
}

export interface Store extends RegistryStore, BundleStore, FederationStore, AuthorityStore, IssuanceStore, MetaStore {
  /** The log of all of it. */
  readonly audit: AuditStore;
  readonly revocations: RevocationStore;
  readonly findings: FindingStore;
  readonly reports: ReportStore;
  readonly humans: HumanStore;
  readonly policies: PolicyStore;
  readonly targets: TargetStore;
  readonly tasks: TaskStore;
  readonly approvals: ApprovalStore;
  readonly grants: GrantStore;
  /**
   * Listeners run synchronously, in sequence order, before the writing promise resolves; what was committed together is
   * told together, before any of its promises resolves. Returns the undo.
   */
  onChanges(listener: (changes: readonly Change[]) => void): () => void;
  /**
   * Undefined when no change is waiting to be decided; otherwise resolves when every one asked for until now has been
   * committed (and told to the listeners) or refused. Whoever is about to act on a decision waits for it.
   */
  changesInFlight(): Promise<void> | undefined;
  /**
   * Called with the error when the store can no longer write (disk full, corruption), with undefined when it can again.
   * Reading goes on meanwhile; writes reject with ('unavailable', 'STORE_UNAVAILABLE').
   */
  onTrouble(listener: (error: Error | undefined) => void): () => void;
  /** How long commits took, since the start. */
  readonly commitLatency: LatencySnapshot;
  /** Waits for what is queued, then closes. Idempotent. */
  close(): Promise<void>;
}
