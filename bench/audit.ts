// SPDX-License-Identifier: Apache-2.0
/**
 * The log: events appended a second, each durable before it counts, beside SQLite doing nothing but inserting and syncing;
 * then a log of a million issuances by the real writer, verified as `assay audit verify` does, and how long a proof in it is.
 */
import { hash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { eventLeaf, headerText } from '../src/store/events.ts';
import { EVENT_COLUMNS, EVENT_FROM, eventOf } from '../src/store/sqlite/event-rows.ts';
import { setPragmas } from '../src/store/sqlite/pragmas.ts';
import { verifyDatabaseAside } from '../src/store/sqlite/verify.ts';
import type { Store } from '../src/store/store.ts';
import { anIssuance, furnish, openStore } from '../test/store/samples.ts';
import { ms, quantile, type Row, ratio } from './stats.ts';

const ABREAST = 128;
const FACTS = '{"unix":{"uid":1000,"gid":1000,"path":"/usr/bin/web"}}';
const PAYLOAD = `{"facts":${JSON.stringify(FACTS)}}`;
const SLICE = 1_000;
const perSecond = (rate: number): string => `${Math.round(rate).toLocaleString('en-US')} a second`;

/** `events`: how many the log has that is verified. */
export async function benchAudit(folder: string, events: number): Promise<{ rows: Row[] }> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const dataDir = join(folder, 'log');
  const store = await openStore(dataDir);
  const rows: Row[] = [];
  let built: number;
  try {
    await furnish(store);
    rows.push(await appends(store, folder, Math.min(20_000, events)));
    const from = performance.now();
    const issued = events - store.audit.head().size;
    await abreast(issued, () => store.record(anIssuance({ facts: FACTS })));
    built = (issued * 1_000) / (performance.now() - from);
    rows.push(proofs(store, built));
  } finally {
    await store.close();
  }
  rows.push(await verification(dataDir));
  return { rows };
}

async function appends(store: Store, folder: string, count: number): Promise<Row> {
  const event = { kind: 'daemon.start', at: Date.now(), actor: 'uid:0', identity: 'spiffe://td/a', payload: PAYLOAD };
  const rate = async (work: () => unknown, times: number): Promise<number> => {
    const from = performance.now();
    await work();
    return (times * 1_000) / (performance.now() - from);
  };
  const append = (): Promise<unknown> => store.audit.append(event as Parameters<Store['audit']['append']>[0]);
  await abreast(1_000, append);
  const bare = new BareTable(join(folder, 'bare.db'));
  try {
    const ours: number[] = [];
    const single: number[] = [];
    const grouped: number[] = [];
    // Taking turns, so that what else the machine does falls on all three.
    for (let turn = 0; turn < 5; turn += 1) {
      ours.push(await rate(() => abreast(count / 5, append), count / 5));
      single.push(await rate(() => bare.insert(count / 50, 1), count / 50));
      grouped.push(await rate(() => bare.insert(count / 5, ABREAST), count / 5));
    }
    const [our, one, many] = [ours, single, grouped].map((rates) => quantile(rates, 0.5)) as [number, number, number];
    return {
      what: `events appended to the log, ${ABREAST} at once`,
      measured: `${perSecond(our)}; ratios ${ratio(our / one)} and ${ratio(our / many)}`,
      beside: `bare inserts of the same bytes, a sync each: ${perSecond(one)}; ${ABREAST} to a sync: ${perSecond(many)}`,
      bar: '1.00 of a sync each',
      held: our >= one,
    };
  } finally {
    bare.close();
  }
}

/** One table with the columns' bytes, written with the same pragmas. */
class BareTable {
  readonly #db: Database.Database;
  readonly #insert: Database.Statement;
  readonly #bytes = Buffer.alloc(64);

  constructor(path: string) {
    this.#db = new Database(path);
    setPragmas(this.#db, 'FULL');
    this.#db.exec('CREATE TABLE bare (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL, text TEXT NOT NULL) STRICT');
    this.#insert = this.#db.prepare('INSERT INTO bare (bytes, text) VALUES (?, ?)');
  }

  insert(count: number, together: number): void {
    const some = this.#db.transaction((rows: number) => {
      for (let row = 0; row < rows; row += 1) this.#insert.run(this.#bytes, PAYLOAD);
    });
    for (let left = count; left > 0; left -= together) some(Math.min(left, together));
  }

  close(): void {
    this.#db.close();
  }
}

function proofs(store: Store, built: number): Row {
  const { size } = store.audit.head();
  const times: number[] = [];
  const lengths: number[] = [];
  for (let at = 0; at < 500; at += 1) {
    const seq = Math.floor((at * size) / 500);
    const from = performance.now();
    lengths.push(store.audit.inclusionProof(seq, size).length);
    times.push(performance.now() - from);
  }
  const most = Math.max(...lengths);
  return {
    what: `proof that an event is in a log of ${size.toLocaleString('en-US')}`,
    measured: `${most} hashes, ${most * 32} bytes; made in p50 ${ms(quantile(times, 0.5))}, p99 ${ms(quantile(times, 0.99))}`,
    beside: `ceil(log2 of the size): ${Math.ceil(Math.log2(size))}; the log was written at ${perSecond(built)}, issuance rows included`,
    bar: `${Math.ceil(Math.log2(size))} hashes`,
    held: most <= Math.ceil(Math.log2(size)),
  };
}

async function verification(dataDir: string): Promise<Row> {
  const [databasePath, markPath] = [join(dataDir, 'assay.db'), join(dataDir, 'high-water-mark')];
  const cpu = process.cpuUsage();
  const from = performance.now();
  const { events, faults } = await verifyDatabaseAside({ databasePath, markPath, verifier: undefined, outside: [] });
  const seconds = (performance.now() - from) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  if (faults.length > 0) throw new Error(`the log does not verify: ${JSON.stringify(faults)}`);
  const bare = hashingAlone(databasePath);
  return {
    what: `verification of ${events.toLocaleString('en-US')} events`,
    measured: `${seconds.toFixed(1)} s, CPU of all threads ${((user + system) / 1e6).toFixed(1)} s; ratio ${ratio(seconds / bare.seconds)}`,
    beside: `node:crypto hashing the same ${(bare.bytes / 1e6).toFixed(0)} MB in ${bare.hashes.toLocaleString('en-US')} pieces: ${bare.seconds.toFixed(1)} s`,
    bar: 'aim 5 s for 1,000,000',
    held: undefined,
  };
}

/** Payloads, headers and inner nodes, as they are; only the hashing is timed. */
function hashingAlone(databasePath: string): { seconds: number; bytes: number; hashes: number } {
  const db = new Database(databasePath, { readonly: true });
  const rows = db.prepare(`SELECT ${EVENT_COLUMNS} FROM ${EVENT_FROM} WHERE t.seq >= ? ORDER BY t.seq LIMIT ${SLICE}`);
  const pair = Buffer.alloc(65, 1);
  const sum = { seconds: 0, bytes: 0, hashes: 0 };
  for (let at = 0; ; at += SLICE) {
    const events = (rows.raw().all(at) as unknown[][]).map(eventOf);
    if (events.length === 0) break;
    if (!eventLeaf(events[0] as (typeof events)[0]).equals((events[0] as (typeof events)[0]).leafHash))
      throw new Error('what is hashed here is not what the leaf is the hash of');
    const pieces: (string | Buffer)[] = events.flatMap((event) => [
      `${event.payload?.salt.toString('hex')}${event.payload?.text}`,
      `\u0000${headerText(event, event.payloadSha256.toString('hex'))}`,
      pair,
    ]);
    const from = performance.now();
    for (const piece of pieces) hash('sha256', piece, 'hex');
    sum.seconds += (performance.now() - from) / 1_000;
    sum.hashes += pieces.length;
    for (const piece of pieces) sum.bytes += Buffer.byteLength(piece);
  }
  db.close();
  return sum;
}

async function abreast(count: number, work: () => Promise<unknown>): Promise<void> {
  let left = count;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await work();
    }
  };
  await Promise.all(Array.from({ length: ABREAST }, lane));
}
