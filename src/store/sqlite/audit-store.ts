// SPDX-License-Identifier: Apache-2.0
/** The log as it is read, on the main thread, and the few commands that write to it. */
import type { Database, Statement } from 'better-sqlite3';
import { consistencyProof, inclusionProof, rootOf, type Subtree } from '../../merkle/proof.ts';
import type {
  AuditStore,
  CheckpointRecord,
  EventFilter,
  EventRecord,
  NewEvent,
  ProvenEvent,
  TreeHead,
} from '../events.ts';
import type { Listed, Page } from '../store.ts';
import { readCounter } from './counters.ts';
import { EVENT_COLUMNS, EVENT_FROM, eventOf } from './event-rows.ts';
import { Conditions, type Listing, listPage, type Where } from './listing.ts';
import { type StoredHashes, storedHashes, storedSubtree, TILE, tiledSubtree } from './tree-nodes.ts';
import { Op } from './wire.ts';
import type { Writer } from './writer.ts';

type Row = readonly unknown[];

/** Of the tree, hashed for one page of proofs: a few milliseconds. */
const MOST_TILES = 16;

const CHECKPOINT = 'SELECT size, root, at, note FROM checkpoint';

const OLDEST_FIRST: Listing<EventRecord> = {
  columns: EVENT_COLUMNS,
  from: EVENT_FROM,
  key: ['seq'],
  descending: false,
  row: eventOf,
  keyOf: (event) => [event.seq],
};
const NEWEST_FIRST = { ...OLDEST_FIRST, descending: true };

export class SqliteAuditStore implements AuditStore {
  readonly #db: Database;
  readonly #writer: Writer;
  readonly #subtree: Subtree;
  readonly #hashes: StoredHashes;
  readonly #event: Statement;
  readonly #latest: Statement;
  readonly #over: Statement;

  constructor(db: Database, writer: Writer) {
    this.#db = db;
    this.#writer = writer;
    this.#subtree = storedSubtree(db);
    this.#hashes = storedHashes(db);
    this.#event = db.prepare(`SELECT ${EVENT_COLUMNS} FROM ${EVENT_FROM} WHERE t.seq = ?`).raw();
    this.#latest = db.prepare(`${CHECKPOINT} ORDER BY size DESC LIMIT 1`).raw();
    this.#over = db.prepare(`${CHECKPOINT} WHERE size > ? ORDER BY size LIMIT 1`).raw();
  }

  async append(event: NewEvent): Promise<{ readonly seq: number }> {
    return { seq: (await this.#writer.run(Op.appendEvent, [event])) as number };
  }

  onAppended(listener: (events: number) => void): () => void {
    return this.#writer.onAppended(listener);
  }

  head(): TreeHead {
    const size = readCounter(this.#db, 'event');
    return { size, root: this.rootAt(size) };
  }

  event(seq: number): EventRecord | undefined {
    const row = this.#event.get(seq) as Row | undefined;
    return row === undefined ? undefined : eventOf(row);
  }

  events(filter: EventFilter, page: Page, newestFirst = false): Listed<EventRecord> {
    return listPage(this.#db, newestFirst ? NEWEST_FIRST : OLDEST_FIRST, eventWhere(filter), page);
  }

  provenEvents(filter: EventFilter, page: Page, size: number, newestFirst = false): Listed<ProvenEvent> {
    const listing = newestFirst ? NEWEST_FIRST : OLDEST_FIRST;
    const beforeSeq = Math.min(size, filter.beforeSeq ?? size);
    const { rows, next } = listPage(this.#db, listing, eventWhere({ ...filter, beforeSeq }), page);
    const tiles = new Set<number>();
    const subtree = tiledSubtree(this.#hashes);
    const proven: ProvenEvent[] = [];
    for (const event of rows) {
      tiles.add(Math.floor(event.seq / TILE));
      // guard: I9 test/store/proven-events.test.ts — each tile is 256 hashes, made on the main thread
      if (tiles.size > MOST_TILES) break;
      proven.push({ event, proof: inclusionProof(event.seq, size, subtree) });
    }
    const last = proven.at(-1)?.event;
    const isCut = last !== undefined && proven.length < rows.length;
    const rest = isCut ? JSON.stringify(listing.keyOf(last)) : next;
    return rest === undefined ? { rows: proven } : { rows: proven, next: rest };
  }

  inclusionProof(seq: number, size: number): readonly Buffer[] {
    return inclusionProof(seq, size, this.#subtree);
  }

  consistencyProof(from: number, to: number): readonly Buffer[] {
    return consistencyProof(from, to, this.#subtree);
  }

  rootAt(size: number): Buffer {
    return rootOf(size, this.#subtree);
  }

  async putCheckpoint({ size, at, root, note }: CheckpointRecord): Promise<void> {
    await this.#writer.run(Op.putCheckpoint, [size, at, root, note]);
  }

  latestCheckpoint(): CheckpointRecord | undefined {
    return checkpointOf(this.#latest.get() as Row | undefined);
  }

  checkpointOver(seq: number): CheckpointRecord | undefined {
    return checkpointOf(this.#over.get(seq) as Row | undefined);
  }

  async redact(seq: number, reason: string, by: string, at: number): Promise<void> {
    await this.#writer.run(Op.redactEvent, [seq, reason, by, at]);
  }
}

function checkpointOf(row: Row | undefined): CheckpointRecord | undefined {
  if (row === undefined) return undefined;
  const [size, root, at, note] = row as [number, Buffer, number, string];
  return { size, root, at, note };
}

function eventWhere({ identity, task, kind, actor, since, until, fromSeq, beforeSeq }: EventFilter): Where {
  const scope = new Conditions();
  const filter = new Conditions();
  scope.when(fromSeq, 't.seq >= ?');
  scope.when(beforeSeq, 't.seq < ?');
  scope.when(task, 't.task = ?');
  const isIssuance = kind === undefined || kind.startsWith('issue.');
  // The index of identities leaves out issuances, which have one of their own.
  if (!isIssuance) scope.when(identity, `t.identity = ? AND t.kind NOT IN ('issue.x509', 'issue.jwt', 'issue.wit')`);
  else filter.when(identity, 't.identity = ?');
  if (kind?.endsWith('.')) filter.when(kind, 'instr(t.kind, ?) = 1');
  else filter.when(kind, 't.kind = ?');
  filter.when(actor, 't.actor = ?');
  filter.when(since, 't.at >= ?');
  filter.when(until, 't.at < ?');
  return { scope, filter };
}
