// SPDX-License-Identifier: Apache-2.0
/**
 * Writes entries into a store without end, eight at a time, and says each one that the store acknowledged.
 * `store-writer.ts DIR FULL|OFF FIRST`
 */
import { systemClock } from '../../src/lib/clock.ts';
import type { EntryRecord, IdentityRecord } from '../../src/store/records.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';

const [dataDir = '', synchronous = 'FULL', first = '0'] = process.argv.slice(2);
const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };
const store = await openSqliteStore({
  dataDir,
  clock: systemClock,
  log: silent,
  synchronous: synchronous as 'FULL' | 'OFF',
});
let next = Number(first);

async function write(): Promise<never> {
  for (;;) {
    const n = next;
    next += 1;
    await store.createEntry(entry(n), identity(n), 'test');
    process.stdout.write(`{"event":"acked","n":${n}}\n`);
  }
}

function entry(n: number): EntryRecord {
  return {
    id: `e${n}`,
    spiffeId: `spiffe://example.org/e${n}`,
    parentId: 'spiffe://example.org/spire/agent/assay/0123456789abcdef',
    selectors: [`unix:uid:${n}`],
    x509TtlSeconds: null,
    jwtTtlSeconds: null,
    dnsNames: [],
    federatesWith: [],
    hint: '',
    expiresAt: null,
    createdAt: n,
    createdBy: 'test',
    revision: 1,
    claimedAccepted: false,
    admin: false,
    downstream: false,
    storeSvid: false,
    jwtJti: false,
  };
}

function identity(n: number): IdentityRecord {
  return {
    spiffeId: `spiffe://example.org/e${n}`,
    owner: 'test',
    deputy: null,
    reviewBy: null,
    purpose: null,
    kind: 'service',
    environment: null,
    labels: new Map(),
    state: 'active',
    stateReason: null,
    stateSince: n,
    expiresAt: 4_000_000_000_000,
    createdAt: n,
    createdBy: 'test',
    revision: 1,
  };
}

process.stdout.write('{"event":"open"}\n');
await Promise.all(Array.from({ length: 8 }, write));
