// SPDX-License-Identifier: Apache-2.0
/** The rows every store keeps, in the domain's types. Times are integer milliseconds UTC. */

import { Failure } from '../lib/failure.ts';
import type { ApprovalRecord } from './approvals.ts';
import type { FindingRecord } from './findings.ts';
import type { GrantRecord } from './grants.ts';
import type { HumanRecord } from './humans.ts';
import type { RevokedSvid } from './revocations.ts';
import type { TargetRecord } from './targets.ts';
import type { TaskRecord } from './tasks.ts';

export type IdentityKind = 'service' | 'job' | 'bot' | 'agent' | 'legacy';
export type IdentityState = 'draft' | 'active' | 'suspended' | 'retired';

/** Who made a change: a local uid, or later a SPIFFE ID or a human. */
export interface Actor {
  readonly uid: number;
  readonly pid: number;
}

export interface IdentityRecord {
  readonly spiffeId: string;
  readonly owner: string;
  /** Who may take it over when the owner is gone. */
  readonly deputy: string | null;
  readonly purpose: string | null;
  readonly kind: IdentityKind;
  readonly environment: string | null;
  readonly labels: ReadonlyMap<string, string>;
  readonly state: IdentityState;
  /** Why it is suspended, in the operator's words or `expired`. */
  readonly stateReason: string | null;
  readonly stateSince: number;
  readonly expiresAt: number;
  /** By when somebody has to look whether it is still needed. */
  readonly reviewBy: number | null;
  readonly createdAt: number;
  readonly createdBy: string;
  /** Grows by one with each change of this row. */
  readonly revision: number;
}

export interface EntryRecord {
  readonly id: string;
  readonly spiffeId: string;
  readonly parentId: string;
  /** `type:value`, sorted, distinct, at least one. */
  readonly selectors: readonly string[];
  readonly x509TtlSeconds: number | null;
  readonly jwtTtlSeconds: number | null;
  readonly dnsNames: readonly string[];
  /** Trust domain names, sorted, distinct. */
  readonly federatesWith: readonly string[];
  /** Empty when none. */
  readonly hint: string;
  readonly expiresAt: number | null;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly revision: number;
  /** True when the operator accepted an entry of claimed selectors alone (attack A1). */
  readonly claimedAccepted: boolean;
  readonly admin: boolean;
  readonly downstream: boolean;
  readonly storeSvid: boolean;
  readonly jwtJti: boolean;
}

/** A key that a trust domain signs JWT-SVIDs with. */
export interface JwtKeyRecord {
  readonly kid: string;
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Buffer;
}

/** A foreign trust domain's bundle. */
export interface BundleRecord extends BundleContent {
  readonly updatedAt: number;
  readonly updatedBy: string;
  readonly trustDomain: string;
}

/** Where a foreign bundle is fetched, and how that endpoint proves itself. */
export interface FederationRecord {
  readonly trustDomain: string;
  readonly url: string;
  readonly profile: 'https_web' | 'https_spiffe';
  /** Of `https_spiffe` alone. */
  readonly endpointSpiffeId: string | null;
  /** Whether an administrator made it or the configuration has it. */
  readonly origin: 'admin' | 'config';
  readonly createdAt: number;
  readonly createdBy: string;
}

/** What a bundle document says; it does not name its trust domain. */
export interface BundleContent {
  /** DER, one certificate each, in the order given. */
  readonly certificates: readonly Buffer[];
  /** In the order given, each `kid` once. */
  readonly jwtKeys: readonly JwtKeyRecord[];
  /** As the document said, with 64 bits (BUN-04); null when it said none. */
  readonly sequence: bigint | null;
  /** Seconds; null when the document said none. */
  readonly refreshHintSeconds: number | null;
}

export type AuthorityKind = 'x509' | 'jwt' | 'jwt-rsa' | 'wit';
/** What is issued; both kinds of JWT authority sign the same. */
export type SvidKind = 'x509' | 'jwt' | 'wit';
export type AuthoritySlot = 'prepared' | 'active' | 'old';

export interface AuthorityRecord {
  /** Lower-case hex of the subject key identifier; of a key for tokens also its `kid`. */
  readonly id: string;
  readonly kind: AuthorityKind;
  readonly slot: AuthoritySlot;
  /** What the bundle has of it, in DER: the self-signed CA certificate, or the SubjectPublicKeyInfo of a key for tokens. */
  readonly published: Buffer;
  /** Names the key within the key manager. Never the key. */
  readonly keyRef: string;
  readonly keyType: string;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly preparedAt: number;
  readonly activatedAt: number | null;
  readonly oldAt: number | null;
  /** Since when nothing that it signed is to be relied on; only of an old one. It stays in the bundle until it is revoked. */
  readonly taintedAt: number | null;
  /** Latest notAfter of anything it signed; it stays in the bundle at least until then. */
  readonly lastSvidNotAfter: number;
  readonly revision: number;
}

/** Our own bundle's number. Only grows (I6). */
export interface OwnBundleState {
  readonly sequence: number;
}

export interface IssuanceRecord {
  /** Assigned by the store; gap-free. */
  readonly seq: number;
  /** Lower-case hex: of an X509-SVID its serial number, of a token its `jti`, or without one its SHA-256. */
  readonly serial: string;
  readonly kind: SvidKind;
  readonly spiffeId: string;
  readonly entryId: string;
  readonly authorityId: string;
  readonly issuedAt: number;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly askedTtlMs: number;
  /** Whom a JWT-SVID is for; empty for others. */
  readonly audiences: readonly string[];
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  readonly startTime: string;
  /** `weak_peer`, `claimed_selectors`, `same_uid`: what a reader of the row must know. */
  readonly marks: readonly string[];
  /** JSON text of the attested facts. */
  readonly facts: string;
  readonly delivered: boolean;
  /** Why it was not sent, when it was not. */
  readonly undeliveredReason: string | null;
  readonly revokedAt: number | null;
  /** In the operator's words. */
  readonly revokeReason: string | null;
  /** The task that it was given in; null outside of one. */
  readonly task: string | null;
}

/** The SPIFFE ID in what was issued: within a task it is that of the task, and the row has the identity that was lent. */
export function subjectOf({ spiffeId, task }: Pick<IssuanceRecord, 'spiffeId' | 'task'>): string {
  return task === null ? spiffeId : `${spiffeId}/task/${task}`;
}

/** What a decision rested on changed before it was written: decide again. */
export function isStale(error: unknown): boolean {
  return error instanceof Failure && error.reason === 'DECISION_STALE';
}

/** What an issuance was decided on; the writer compares these in the transaction that records it. */
export interface DecidedOn {
  readonly entryId: string;
  readonly entryRevision: number;
  readonly identityRevision: number;
  readonly authorityId: string;
}

export type NewIssuance = Omit<
  IssuanceRecord,
  'seq' | 'delivered' | 'undeliveredReason' | 'revokedAt' | 'revokeReason'
> & {
  readonly decidedOn: DecidedOn;
};

/** One change to anything of ours: gap-free sequence, written in the same transaction as the thing itself. */
export type Change = { readonly seq: number; readonly at: number; readonly by: string } & (
  | { readonly kind: 'entry'; readonly action: 'put'; readonly key: string; readonly entry: EntryRecord }
  | { readonly kind: 'entry'; readonly action: 'delete'; readonly key: string }
  | { readonly kind: 'identity'; readonly action: 'put'; readonly key: string; readonly identity: IdentityRecord }
  | { readonly kind: 'bundle'; readonly action: 'put'; readonly key: string; readonly bundle: BundleRecord }
  | { readonly kind: 'bundle'; readonly action: 'delete'; readonly key: string }
  | { readonly kind: 'federation'; readonly action: 'put' | 'delete'; readonly key: string }
  | { readonly kind: 'human'; readonly action: 'put'; readonly key: string; readonly human: HumanRecord }
  | {
      readonly kind: 'revocation';
      readonly action: 'put';
      /** What was named: a serial, the id of an entry or an authority, a SPIFFE ID. */
      readonly key: string;
      readonly revoked: readonly RevokedSvid[];
    }
  /** Which sets of policies decide and are tried; the key is the one that came or went, empty where one is no longer tried. */
  | { readonly kind: 'policy'; readonly action: 'put'; readonly key: string }
  | { readonly kind: 'target'; readonly action: 'put'; readonly key: string; readonly target: TargetRecord }
  | { readonly kind: 'approval'; readonly action: 'put'; readonly key: string; readonly approval: ApprovalRecord }
  | { readonly kind: 'grant'; readonly action: 'put'; readonly key: string; readonly grant: GrantRecord }
  | { readonly kind: 'task'; readonly action: 'put'; readonly key: string; readonly task: TaskRecord }
  | { readonly kind: 'finding'; readonly action: 'put'; readonly key: string; readonly finding: FindingRecord }
  | {
      readonly kind: 'authority';
      readonly action: 'put';
      /** The authority whose step caused it. */
      readonly key: string;
      /** All authorities of its kind after the step. */
      readonly authorities: readonly AuthorityRecord[];
      readonly bundleSequence: number;
    }
);
