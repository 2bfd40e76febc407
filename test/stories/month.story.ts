// SPDX-License-Identifier: Apache-2.0
/**
 * Two months of a few workloads in simulated time, written by the real writer and swept by the real ledger: how large the
 * database of ten thousand becomes (docs/data.md). `STREAMS=100` takes more of them.
 */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { Ledger } from '../../src/ledger/ledger.ts';
import { canonicalJson } from '../../src/lib/canonical-json.ts';
import { type NoteSigner, signCheckpoint, verifierKey } from '../../src/merkle/note.ts';
import { verifyDatabase } from '../../src/store/sqlite/verify.ts';
import type { Store } from '../../src/store/store.ts';
import { anAuthority, anEntry, anIdentity, anIssuance, BY, NOW, openStore } from '../store/samples.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import { tempDir } from '../support/temp-dir.ts';

const STREAMS = Number(process.env['STREAMS'] ?? 20);
const SCALE = 10_000 / STREAMS;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const RETENTION_MS = 30 * DAY;
/** SVIDs live an hour and are renewed after half of it. */
const RENEWAL_MS = HOUR / 2;
/** 10,000 streams log 5.6 events a second, and a checkpoint comes ten seconds after the first that is under none. */
const EVENTS_A_CHECKPOINT = 56;
/** What docs/data.md says, for ten thousand streams. */
const FIRST_MONTH_BYTES = 8e9;
const EACH_MONTH_BYTES = 3e9;

/** As long as a real one of the unix attestor. */
const FACTS = '{"unix":{"uid":1000,"gid":1000,"groups":[1000],"path":"/opt/payments/web/bin/server","sha256":""}}';
const named = (what: string): string => createHash('sha256').update(what).digest('hex');
const authorityId = named('authority').slice(0, 40);
const workload = (at: number) => ({
  entryId: named(`entry ${at}`).slice(0, 32),
  spiffeId: `spiffe://example.org/payments/web-${String(at).padStart(5, '0')}`,
});

const dataDir = join(tempDir('month'), 'data');
const pair = generateKeyPairSync('ed25519');
const signer: NoteSigner = {
  name: 'example.org/assay/0011223344556677',
  publicKey: pair.publicKey,
  sign: (bytes) => sign(null, bytes, pair.privateKey),
};

interface Size {
  readonly total: number;
  /** With their indexes. */
  readonly issuance: number;
  readonly log: number;
  readonly checkpoint: number;
  readonly rows: number;
  readonly events: number;
}

function sizeOf(databasePath: string): Size {
  const db = new Database(databasePath, { readonly: true });
  try {
    const of = (...tables: string[]): number =>
      db
        .prepare(
          `SELECT sum(pgsize) FROM dbstat WHERE name IN (SELECT name FROM sqlite_schema WHERE tbl_name IN (${tables.map((name) => `'${name}'`).join()}))`,
        )
        .pluck()
        .get() as number;
    const count = (table: string): number => db.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number;
    return {
      total: Number(db.pragma('page_count', { simple: true })) * Number(db.pragma('page_size', { simple: true })),
      issuance: of('issuance'),
      log: of('event', 'event_payload', 'log_node'),
      checkpoint: of('checkpoint'),
      rows: count('issuance'),
      events: count('event'),
    };
  } finally {
    db.close();
  }
}

async function begin(store: Store): Promise<void> {
  const key = canonicalJson({ key: verifierKey(signer) });
  await store.audit.append({ kind: 'log.key', at: NOW, actor: 'assay', identity: null, payload: key });
  for (let at = 0; at < STREAMS; at += 1) {
    const { entryId: id, spiffeId } = workload(at);
    const expiresAt = NOW + 365 * DAY;
    await store.createEntry(anEntry({ id, spiffeId }), anIdentity({ spiffeId, expiresAt }), BY);
  }
  const authority = anAuthority({ id: authorityId, notAfter: NOW + 365 * DAY });
  await store.replaceAuthorities('x509', [authority], new Map(), authorityId, BY, NOW);
}

/** From `clock.now()` on; the ledger sweeps by the same clock, each hour. All renew at the same moment, which costs the fewest commits; the bytes are the same. */
async function live(store: Store, ledger: Ledger, clock: FakeClock, days: number): Promise<void> {
  let covered = store.audit.head().size;
  for (const until = clock.now() + days * DAY; clock.now() < until; await clock.advance(RENEWAL_MS)) {
    const now = clock.now();
    const issue = (at: number): Promise<unknown> => {
      const { entryId, spiffeId } = workload(at);
      const decidedOn = { entryId, entryRevision: 1, identityRevision: 1, authorityId };
      const times = { issuedAt: now, notBefore: now - 10_000, notAfter: now + HOUR };
      const start = String(1_000_000 + at);
      return ledger.record(
        anIssuance({ entryId, spiffeId, authorityId, facts: FACTS, startTime: start, decidedOn, ...times }),
      );
    };
    await Promise.all(Array.from({ length: STREAMS }, (_, at) => issue(at)));
    const head = store.audit.head();
    for (; covered + EVENTS_A_CHECKPOINT <= head.size; covered += EVENTS_A_CHECKPOINT) {
      const one = { size: covered + EVENTS_A_CHECKPOINT, root: store.audit.rootAt(covered + EVENTS_A_CHECKPOINT) };
      const note = signCheckpoint({ origin: signer.name, ...one }, signer);
      await store.audit.putCheckpoint({ ...one, at: now, note });
    }
  }
}

it('I3: a month of ten thousand streams stays under the size that is documented, and so does each further one', async () => {
  const [clock, log] = [new FakeClock(NOW), new RecordingLogger()];
  const databasePath = join(dataDir, 'assay.db');
  // What is measured is bytes: nothing here survives a power loss, and need not.
  const store = await openStore(dataDir, { clock, log, synchronous: 'OFF' });
  const ledger = new Ledger({ store, clock, log, retentionMs: RETENTION_MS });
  const months: Size[] = [];
  try {
    await begin(store);
    for (let month = 0; month < 2; month += 1) {
      await live(store, ledger, clock, 30);
      await ledger.sweep();
      months.push(sizeOf(databasePath));
    }
  } finally {
    ledger.close();
    await store.close();
  }
  const [first, second] = months as [Size, Size];
  const gb = (bytes: number): string => `${((bytes * SCALE) / 1e9).toFixed(2)} GB`;
  const each = (bytes: number, count: number): number => Math.round(bytes / count);
  console.log(
    `${STREAMS} streams: ${each(second.issuance, second.rows)} bytes an issuance row, ${each(second.log, second.events)} an event, ` +
      `${each(second.checkpoint, second.events / EVENTS_A_CHECKPOINT)} a checkpoint; ten thousand: ${gb(first.total)} after 30 days ` +
      `(rows ${gb(first.issuance)}, log ${gb(first.log)}, checkpoints ${gb(first.checkpoint)}), ${gb(second.total)} after 60`,
  );
  const month = (STREAMS * 30 * DAY) / RENEWAL_MS;
  expect(first.rows).toBe(month);
  // Rows leave 30 days after the end of an SVID that lives an hour; their events stay.
  expect(second.rows).toBeLessThanOrEqual(month + (STREAMS * 3 * HOUR) / RENEWAL_MS);
  expect(second.events).toBeGreaterThanOrEqual(2 * month);
  expect(first.total * SCALE).toBeLessThan(FIRST_MONTH_BYTES);
  expect((second.total - first.total) * SCALE).toBeLessThan(EACH_MONTH_BYTES);
  const options = { databasePath, markPath: join(dataDir, 'high-water-mark'), verifier: undefined, outside: [] };
  expect(verifyDatabase(options)).toMatchObject({ faults: [], events: second.events });
});
