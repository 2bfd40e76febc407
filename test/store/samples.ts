// SPDX-License-Identifier: Apache-2.0
/** Rows for the store's tests, each whole and different only where a test says so. */
import { randomBytes } from 'node:crypto';
import { systemClock } from '../../src/lib/clock.ts';
import type { AuthorityRecord, EntryRecord, IdentityRecord, NewIssuance } from '../../src/store/records.ts';
import { openSqliteStore, type SqliteStoreOptions } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { RecordingLogger } from '../support/recording-logger.ts';

export const NOW = Date.UTC(2030, 0, 1);
export const BY = 'uid:0';
export const NODE = 'spiffe://td/spire/agent/assay/0011223344556677';

export function openStore(dataDir: string, options: Partial<SqliteStoreOptions> = {}): Promise<Store> {
  return openSqliteStore({ dataDir, clock: systemClock, log: new RecordingLogger(), ...options });
}

export function anIdentity(change: Partial<IdentityRecord> = {}): IdentityRecord {
  return {
    spiffeId: 'spiffe://td/a',
    owner: BY,
    deputy: null,
    reviewBy: null,
    purpose: null,
    kind: 'service',
    environment: null,
    labels: new Map(),
    state: 'active',
    stateReason: null,
    stateSince: NOW,
    expiresAt: NOW + 86_400_000,
    createdAt: NOW,
    createdBy: BY,
    revision: 1,
    ...change,
  };
}

export function anEntry(change: Partial<EntryRecord> = {}): EntryRecord {
  return {
    id: 'e1',
    spiffeId: 'spiffe://td/a',
    parentId: NODE,
    selectors: ['unix:uid:1000'],
    x509TtlSeconds: null,
    jwtTtlSeconds: null,
    dnsNames: [],
    federatesWith: [],
    hint: '',
    expiresAt: null,
    createdAt: NOW,
    createdBy: BY,
    revision: 1,
    claimedAccepted: false,
    admin: false,
    downstream: false,
    storeSvid: false,
    jwtJti: false,
    ...change,
  };
}

export function anAuthority(change: Partial<AuthorityRecord> = {}): AuthorityRecord {
  return {
    id: 'aa',
    kind: 'x509',
    slot: 'active',
    published: Buffer.from('certificate of aa'),
    keyRef: 'key of aa',
    keyType: 'ec-p256',
    notBefore: NOW,
    notAfter: NOW + 86_400_000,
    preparedAt: NOW,
    activatedAt: NOW,
    oldAt: null,
    taintedAt: null,
    lastSvidNotAfter: 0,
    revision: 1,
    ...change,
  };
}

/** Decided on `anEntry`, `anIdentity` and `anAuthority` as they are. */
export function anIssuance(change: Partial<NewIssuance> = {}): NewIssuance {
  return {
    serial: randomBytes(16).toString('hex'),
    task: null,
    kind: 'x509',
    spiffeId: 'spiffe://td/a',
    entryId: 'e1',
    authorityId: 'aa',
    issuedAt: NOW,
    notBefore: NOW - 10_000,
    notAfter: NOW + 3_600_000,
    askedTtlMs: 3_600_000,
    audiences: [],
    pid: 4242,
    uid: 1000,
    gid: 1000,
    startTime: '123456789',
    marks: [],
    facts: '{"unix":{"uid":1000}}',
    decidedOn: { entryId: 'e1', entryRevision: 1, identityRevision: 1, authorityId: 'aa' },
    ...change,
  };
}

/** One identity with one entry, and an active authority. */
export async function furnish(store: Store): Promise<void> {
  await store.createEntry(anEntry(), anIdentity(), BY);
  await store.replaceAuthorities('x509', [anAuthority()], new Map(), 'aa', BY, NOW);
}
