// SPDX-License-Identifier: Apache-2.0
/**
 * Appends events and grows their tree, in the writer thread. What a batch appends is kept here until its transaction is
 * about to be committed: a command that is undone takes its events back, and no number is lost.
 *
 * Of the tree's inner nodes those of every eighth level are stored, as in the tiles of other logs (c2sp.org/tlog-tiles): one
 * row for 256 events. What lies between is hashed again where a proof needs it.
 */
import type { Database, Statement } from 'better-sqlite3';
import { canonicalJson, type Json } from '../../lib/canonical-json.ts';
import type { Completed, Frontier } from '../../merkle/frontier.ts';
import { leafHash } from '../../merkle/hash.ts';
import { type EventKind, headerText, type NewEvent, payloadHash, SALT_BYTES } from '../events.ts';
import type { Counters } from './counters.ts';
import { storedFrontier, TILE_LEVELS } from './tree-nodes.ts';

/** The number and the salt of the event that comes next. */
export interface EventPlace {
  readonly seq: number;
  readonly salt: Buffer;
}

interface Waiting extends NewEvent, EventPlace {
  /** The sequence of the issuance whose row is its payload; undefined where it has one of its own. */
  readonly issuance: number | undefined;
}

/** Bytes fit for salts. */
export type RandomBytes = (count: number) => Buffer;

/** Salts drawn at once. */
const SALTS = 256;

export class EventLog {
  readonly #counters: Counters;
  readonly #random: RandomBytes;
  readonly #event: Statement;
  readonly #payload: Statement;
  readonly #node: Statement;
  #frontier: Frontier;
  #committed: Frontier;
  #waiting: Waiting[] = [];
  #salts: Buffer = Buffer.alloc(0);

  constructor(db: Database, counters: Counters, random: RandomBytes) {
    this.#counters = counters;
    this.#random = random;
    this.#event = db.prepare(
      `INSERT INTO event (seq, at, kind, actor, identity, task, issuance, payload_sha256, leaf_hash)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#payload = db.prepare('INSERT INTO event_payload (seq, salt, payload) VALUES (?, ?, ?)');
    this.#node = db.prepare('INSERT INTO log_node (level, idx, hash) VALUES (?, ?, ?)');
    this.#frontier = storedFrontier(db, counters.now.event);
    this.#committed = this.#frontier.copy();
  }

  readonly #completed = ({ level, index, hash }: Completed): void => {
    if (level % TILE_LEVELS === 0) this.#node.run(level, index, hash);
  };

  /** Answers its number. */
  append(event: NewEvent): number {
    const place = this.place();
    this.#add(event, place, undefined);
    return place.seq;
  }

  /** `row`: what the event says, in the names of its columns. */
  note(
    kind: EventKind,
    by: string,
    at: number,
    identity: string | null,
    row: { readonly [name: string]: Json },
    task: string | null = null,
  ): number {
    return this.append({ kind, at, actor: by, identity, task, payload: canonicalJson(row) });
  }

  /** For a row that keeps number and salt itself. */
  place(): EventPlace {
    return { seq: this.#counters.now.event, salt: this.#salt() };
  }

  /** The next event, whose payload is the row of this issuance. */
  appendIssue(place: EventPlace, event: NewEvent, issuance: number): void {
    this.#add(event, place, issuance);
  }

  /** Hashed and written, in the transaction of what they speak of. Throws where the file does not take them. */
  flush(): void {
    for (const event of this.#waiting) this.#write(event);
    this.#waiting = [];
  }

  committed(): void {
    this.#committed = this.#frontier.copy();
  }

  rolledBack(): void {
    this.#waiting = [];
    this.#frontier = this.#committed.copy();
  }

  /** What was appended since `count` events were there is taken back, as their numbers are (Counters). */
  takeBack(count: number): void {
    this.#waiting.length = count - this.#frontier.size;
  }

  /** Of what is committed. */
  root(): Buffer {
    return this.#committed.root();
  }

  #add(event: NewEvent, { seq, salt }: EventPlace, issuance: number | undefined): void {
    if (seq !== this.#counters.now.event) throw new Error(`event ${seq} is not the next`);
    this.#waiting.push({ ...event, seq, salt, issuance });
    this.#counters.now.event = seq + 1;
    this.#counters.seen(event.at);
  }

  #write(event: Waiting): void {
    const { seq, at, kind, actor, identity, task = null, payload, salt, issuance } = event;
    const payloadSha256 = payloadHash(salt.toString('hex'), payload);
    const leaf = leafHash(headerText({ seq, at, kind, actor, identity, task }, payloadSha256.toString('hex')));
    // guard: I3 test/store/events.test.ts — what has no leaf is not committed
    this.#event.run(seq, at, kind, actor, identity, task, issuance ?? null, payloadSha256, leaf);
    if (issuance === undefined) this.#payload.run(seq, salt, payload);
    this.#frontier.append(leaf, this.#completed);
  }

  #salt(): Buffer {
    if (this.#salts.length === 0) this.#salts = this.#random(SALTS * SALT_BYTES);
    const salt = this.#salts.subarray(0, SALT_BYTES);
    this.#salts = this.#salts.subarray(SALT_BYTES);
    return salt;
  }
}
