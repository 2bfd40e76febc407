// SPDX-License-Identifier: Apache-2.0
/**
 * Goes over the whole log: every payload against its hash, every event against its leaf, the tree that the leaves make
 * against its stored nodes and every checkpoint. What is wrong is told row by row, so that the row that was changed is named.
 */
import type { Database } from 'better-sqlite3';
import { Frontier } from '../../merkle/frontier.ts';
import type { Checkpoint } from '../../merkle/note.ts';
import { type EventRecord, eventLeaf, payloadHash } from '../events.ts';
import { readCounter } from './counters.ts';
import { EVENT_COLUMNS, EVENT_FROM, eventOf } from './event-rows.ts';
import { TILE_LEVELS } from './tree-nodes.ts';

export interface Fault {
  /** `event 17`, `entry "web"`, `checkpoint over 200 events`. */
  readonly row: string;
  readonly what: string;
}

/** Rows held in memory at a time. */
const SLICE = 1_000;

/** Told of every event, in order, without a payload that is not what was logged; what is wrong with it is told before. */
export type Visit = (event: EventRecord) => void;

/** A statement of size and root, from wherever, and what to call it. */
export interface Statement extends Pick<Checkpoint, 'size' | 'root'> {
  readonly row: string;
}

export interface VerifiedTree {
  readonly events: number;
  readonly root: Buffer;
  /** Payloads that were erased or have left with their row. */
  readonly payloadsGone: number;
}

export function verifyTree(
  db: Database,
  statements: readonly Statement[],
  fault: (fault: Fault) => void,
  visit: Visit,
): VerifiedTree {
  const frontier = Frontier.at(0, () => Buffer.alloc(0));
  const due = statements.toSorted((a, b) => a.size - b.size);
  const node = db.prepare('SELECT hash FROM log_node WHERE level = ? AND idx = ?').pluck();
  const gone = new GonePayloads(db);
  let at = 0;
  let nodes = 0;
  const compareStatements = (): void => {
    for (let next = due[at]; next !== undefined && next.size === frontier.size; next = due[++at])
      if (!next.root.equals(frontier.root()))
        fault({ row: next.row, what: `its root is not that of the first ${next.size} events` });
  };
  compareStatements();
  for (const event of eventsOf(db)) {
    if (event.seq !== frontier.size) {
      fault({ row: `event ${frontier.size}`, what: `it is missing; the next is ${event.seq}` });
      return { events: frontier.size, root: frontier.root(), payloadsGone: gone.count };
    }
    const isAsLogged = verifyPayload(event, gone, fault);
    if (!eventLeaf(event).equals(event.leafHash))
      fault({ row: `event ${event.seq}`, what: 'it is not what its leaf is the hash of' });
    visit(isAsLogged ? event : { ...event, payload: undefined });
    frontier.append(event.leafHash, ({ level, index, hash }) => {
      if (level % TILE_LEVELS !== 0) return;
      nodes += 1;
      if ((node.get(level, index) as Buffer | undefined)?.equals(hash) !== true)
        fault({ row: `node ${index} of level ${level}`, what: 'it is not the hash of the events below it' });
    });
    compareStatements();
  }
  compareEnds(db, frontier.size, nodes, fault);
  for (const { row, size } of due.slice(at))
    fault({ row, what: `it is over ${size} events, and the log has ${frontier.size}` });
  return { events: frontier.size, root: frontier.root(), payloadsGone: gone.count };
}

/** All, in slices: row by row the driver takes a third longer. A number below zero, which no event has, comes first. */
function* eventsOf(db: Database): Iterable<EventRecord> {
  const select = `SELECT ${EVENT_COLUMNS} FROM ${EVENT_FROM} WHERE t.seq > ? ORDER BY t.seq LIMIT ${SLICE}`;
  const statement = db.prepare(select).raw();
  for (let last = Number.NEGATIVE_INFINITY; ; ) {
    const rows = statement.all(last) as unknown[][];
    for (const row of rows) yield eventOf(row);
    if (rows.length < SLICE) return;
    last = rows.at(-1)?.[0] as number;
  }
}

function verifyPayload(event: EventRecord, gone: GonePayloads, fault: (fault: Fault) => void): boolean {
  const { seq, payload, payloadSha256 } = event;
  if (payload === undefined) {
    const why = gone.fault(event);
    if (why !== undefined) fault({ row: `event ${seq}`, what: why });
    return false;
  }
  if (payloadHash(payload.salt.toString('hex'), payload.text).equals(payloadSha256)) return true;
  const about = event.identity === null ? event.kind : `${event.kind} ${event.identity}`;
  fault({ row: `event ${seq}`, what: `what it says is not what was logged (${about})` });
  return false;
}

/** Nothing lies past the last event. */
function compareEnds(db: Database, events: number, nodes: number, fault: (fault: Fault) => void): void {
  const counted = readCounter(db, 'event');
  if (counted !== events)
    fault({
      row: `event ${Math.min(counted, events)}`,
      what: `the log has ${events} events where ${counted} were appended`,
    });
  const stored = db.prepare('SELECT count(*) FROM log_node').pluck().get() as number;
  if (stored !== nodes) fault({ row: 'nodes', what: `there are ${stored} where the events make ${nodes}` });
  const stray = db.prepare('SELECT seq FROM event_payload WHERE seq >= ? OR seq < 0 LIMIT 1').pluck().get(events);
  if (stray !== undefined) fault({ row: `payload ${stray}`, what: 'it belongs to no event' });
}

/** Why a payload may be missing: erased with a reason written down, or gone with an issuance row whose time was over. */
class GonePayloads {
  readonly #redacted: ReadonlySet<number>;
  /** Issuances of before this time may have left. */
  readonly #keptFrom: number;
  count = 0;

  constructor(db: Database) {
    this.#redacted = new Set(db.prepare('SELECT seq FROM redaction').pluck().all() as number[]);
    const pruned = db
      .prepare(
        `SELECT max(json_extract(p.payload, '$.not_after_before')) FROM event t JOIN event_payload p ON p.seq = t.seq
         WHERE t.kind = 'retention.issuance' AND json_valid(p.payload)`,
      )
      .pluck()
      .get() as number | null;
    this.#keptFrom = pruned ?? Number.NEGATIVE_INFINITY;
  }

  fault({ seq, kind, at }: EventRecord): string | undefined {
    this.count += 1;
    if (isIssuance(kind)) return at < this.#keptFrom ? undefined : 'its issuance row is missing';
    return this.#redacted.has(seq) ? undefined : 'its payload is missing, and no redaction says why';
  }
}

/** Its payload is kept in the row of what was issued. */
function isIssuance(kind: string): boolean {
  return kind === 'issue.x509' || kind === 'issue.jwt' || kind === 'issue.wit';
}
