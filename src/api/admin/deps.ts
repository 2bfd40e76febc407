// SPDX-License-Identifier: Apache-2.0
/** The few things the admin service asks of other rooms, stated where they are needed. */
import type { Enrolments } from '../../ballots/enrolments.ts';
import type { PublishedBundle } from '../../bundle/published.ts';
import type { Federation } from '../../federation/federation.ts';
import type { TrustDomain } from '../../identity/trust-domain.ts';
import type { Explainer } from '../../issuance/explain.ts';
import type { IdentityLife, Stepped } from '../../registry/identity-writer.ts';
import type { EntryPatch, NewEntry } from '../../registry/input.ts';
import type { People } from '../../registry/people.ts';
import type { PolicySets } from '../../registry/policy-sets.ts';
import type { Targets } from '../../registry/targets.ts';
import type { AuditStore, CheckpointRecord } from '../../store/events.ts';
import type { FindingStore } from '../../store/findings.ts';
import type { PolicyStore } from '../../store/policies.ts';
import type {
  Actor,
  AuthorityRecord,
  BundleContent,
  BundleRecord,
  EntryRecord,
  IdentityRecord,
  IdentityState,
  IssuanceRecord,
} from '../../store/records.ts';
import type { MetricResult } from '../../store/reports.ts';
import type { RevocationStore } from '../../store/revocations.ts';
import type { IssuanceFilter, Page } from '../../store/store.ts';
import type { TaskStore } from '../../store/tasks.ts';
import type { Tasks } from '../../tasks/tasks.ts';
import type { Check } from '../../telemetry/check.ts';
import type { Logger } from '../../telemetry/logger.ts';

export type { Check } from '../../telemetry/check.ts';

import type { ApprovalDoor } from './approvals.ts';
import type { AdminRole } from './authorisation.ts';
import type { GrantDoor } from './grants.ts';

export interface EntryFilter {
  readonly spiffeId?: string;
  readonly parentId?: string;
  /** Entries that name all of these. */
  readonly selectors?: readonly string[];
  readonly federatesWith?: string;
  readonly hint?: string;
}

export interface IdentityFilter {
  readonly state?: IdentityState;
  readonly owner?: string;
  readonly expiresBefore?: number;
}

export interface Rows<T> {
  readonly rows: readonly T[];
  readonly next?: string;
}

/** Lists refuse a page token that is not theirs with Failure('invalid-argument', 'PAGE_TOKEN_INVALID'). */
export interface RegistryDoor {
  createEntry(
    input: NewEntry,
    actor: Actor,
  ): Promise<{ entry: EntryRecord; identity: IdentityRecord; warnings: readonly string[] }>;
  updateEntry(
    id: string,
    patch: EntryPatch,
    actor: Actor,
  ): Promise<{ entry: EntryRecord; warnings: readonly string[] }>;
  deleteEntry(id: string, actor: Actor): Promise<void>;
  entry(id: string): EntryRecord | undefined;
  entries(filter: EntryFilter, page: Page): Rows<EntryRecord>;
  countEntries(filter: EntryFilter): Promise<number>;
  /** All of one identity. */
  entriesOf(spiffeId: string): readonly EntryRecord[];
  identity(spiffeId: string): IdentityRecord | undefined;
  identities(filter: IdentityFilter, page: Page): Rows<IdentityRecord>;
  suspendIdentity(spiffeId: string, reason: string, actor: Actor): Promise<IdentityRecord>;
  /** An identity that has expired needs a new `expiresAt`. */
  resumeIdentity(spiffeId: string, actor: Actor, expiresAt?: number): Promise<Stepped>;
  readonly life: IdentityLife;
  readonly people: Pick<People, 'all' | 'get' | 'add' | 'update' | 'leave' | 'addKey' | 'removeKey'>;
  readonly targets: Pick<Targets, 'all' | 'get' | 'put' | 'retire' | 'isOrphaned' | 'forPolicy'>;
  foreignBundle(trustDomain: string): BundleRecord | undefined;
  foreignBundles(): readonly BundleRecord[];
  putBundle(trustDomain: string, content: BundleContent, actor: Actor): Promise<BundleRecord>;
  deleteBundle(trustDomain: string, mode: 'restrict' | 'dissociate' | 'delete', actor: Actor): Promise<void>;
  setBundleMap(
    map: ReadonlyMap<string, BundleContent>,
    isFetched: (trustDomain: string) => boolean,
    mode: 'restrict' | 'dissociate' | 'delete',
    actor: Actor,
  ): Promise<{
    readonly put: readonly BundleRecord[];
    readonly unchanged: readonly string[];
    readonly deleted: readonly string[];
  }>;
}

export interface IssuanceDoor {
  bySerial(serial: string): IssuanceRecord | undefined;
  list(filter: IssuanceFilter, page: Page): Rows<IssuanceRecord>;
  readonly revocations: Pick<RevocationStore, 'revoke'>;
}

export interface AuthorityDoor {
  show(): {
    readonly authorities: readonly (AuthorityRecord & { readonly keyHeld: boolean })[];
    readonly planned: readonly { readonly what: string; readonly id: string | undefined; readonly at: number }[];
    readonly bundleSequence: number;
    readonly refreshHintSeconds: number;
    readonly caTtlMs: number;
  };
  prepare(by: string): Promise<string>;
  activate(opts: { readonly now: boolean; readonly by: string }): Promise<string>;
  taint(opts: { readonly id: string; readonly by: string }): Promise<AuthorityRecord>;
  revoke(opts: { readonly id: string; readonly force: boolean; readonly by: string }): Promise<AuthorityRecord>;
}

/** The log: what is read of it, and its checkpoints. */
export interface AuditDoor
  extends Pick<
    AuditStore,
    'event' | 'events' | 'provenEvents' | 'inclusionProof' | 'checkpointOver' | 'redact' | 'head'
  > {
  checkpoint(): Promise<CheckpointRecord>;
  verifierKey(): string;
}

/** The sets of policies, and the engine that decides by them. */
export interface PolicyDoor extends Pick<PolicySets, 'apply' | 'rollback' | 'tryBeside' | 'endTrial' | 'engine'> {
  readonly store: Pick<PolicyStore, 'list' | 'get' | 'live'>;
}

export type FederationDoor = Pick<Federation, 'all' | 'has' | 'get' | 'create' | 'refresh' | 'delete'>;

/** Text to what is stored, and back. Parsing throws a Failure. */
export interface BundleDocuments {
  render(bundle: RenderedBundle): string;
  parse(format: 'pem' | 'spiffe', text: string): BundleContent;
  renderMap(bundles: Iterable<readonly [trustDomain: string, bundle: RenderedBundle]>): Promise<string>;
  parseMap(text: string): ReadonlyMap<string, BundleContent>;
}

type RenderedBundle = Pick<PublishedBundle, 'certificates' | 'jwtKeys'> &
  Partial<Pick<PublishedBundle, 'witKeys'> & Numbers>;

interface Numbers {
  readonly sequence: number | bigint | null;
  readonly refreshHintSeconds: number | null;
}

export interface DaemonFacts {
  readonly uid: number;
  readonly pid: number;
  readonly trustDomain: TrustDomain;
  readonly nodeId: string;
  readonly version: string;
  readonly startedAt: number;
}

export interface DiscoveryFacts {
  /** Empty without one. */
  readonly issuer: string;
  /** Why this daemon does not serve what lies below it; empty when it does. */
  readonly unserved: string;
  /** JSON. */
  readonly keySet: string;
  /** Empty while no key signs. */
  readonly signingKid: string;
  /** Of entries without a TTL of their own. */
  readonly tokenTtlMs: number;
  readonly refreshHintSeconds: number;
}

export interface AdminDeps {
  readonly registry: RegistryDoor;
  readonly issuances: IssuanceDoor;
  /** By kind; absent where that profile is switched off. */
  /** All but the first only where they are switched on. */
  readonly authorities: { readonly x509: AuthorityDoor } & Readonly<
    Partial<Record<'jwt' | 'jwt-rsa' | 'wit', AuthorityDoor | undefined>>
  >;
  readonly ownBundle: () => PublishedBundle;
  readonly documents: BundleDocuments;
  readonly audit: AuditDoor;
  readonly findings: Pick<FindingStore, 'get' | 'list' | 'close'>;
  readonly policies: PolicyDoor;
  readonly tasks: Pick<TaskStore, 'get' | 'list'> & Pick<Tasks, 'revoke'>;
  /** What is drawn from all of it, with as many that miss the target of each metric. */
  readonly report: (offenders: number) => Promise<readonly MetricResult[]>;
  readonly federation: FederationDoor;
  readonly clockGuard: { accept(): Promise<{ readonly latestSeen: number; readonly now: number }> };
  /** What `assay health` shows: whether anything keeps the daemon from serving. */
  readonly health: () => Promise<readonly Check[]>;
  /** What `assay doctor` shows beyond that: how well this machine lets the daemon do its work. */
  readonly doctor: () => Promise<readonly Check[]>;
  /** What `assay doctor federation` holds what it sees from outside against, and what it shows of the relationships. */
  readonly federationDoctor: () => { readonly discovery: DiscoveryFacts; readonly relationships: readonly Check[] };
  /** What an entry without a TTL of its own gets. */
  readonly defaultX509TtlMs: number;
  readonly defaultJwtTtlMs: number;
  /** The most for identities of the kind `legacy`. */
  readonly legacyMaxTtlMs: number;
  /** How hard the strongest of these selectors is to fake; undefined when no attestor knows any of them. */
  readonly strengthOf: (selectors: readonly string[]) => string | undefined;
  readonly approvals: ApprovalDoor;
  readonly enrolments: Pick<Enrolments, 'ask' | 'submit' | 'bootstrap'>;
  readonly grants: GrantDoor;
  readonly explainer: Pick<Explainer, 'process' | 'identity'>;
  readonly daemon: DaemonFacts;
  readonly roles: readonly AdminRole[];
  readonly now: () => number;
  readonly log: Logger;
}
