// SPDX-License-Identifier: Apache-2.0
/**
 * Holds the rows as they stand against the events that wrote them: whoever changes, adds or removes a row behind the
 * daemon's back has no event for it.
 */
import type { Database } from 'better-sqlite3';
import { canonicalJson, type Json } from '../../lib/canonical-json.ts';
import { quote } from '../../lib/failure.ts';
import type { EventRecord } from '../events.ts';
import { voteKey } from './approval-rows.ts';
import { type CurrentRow, currentRows } from './current-rows.ts';
import type { Fault } from './verify-tree.ts';

interface Last {
  readonly seq: number;
  /** What the row has to be; undefined where it was deleted, null where its payload was erased. */
  readonly text: string | undefined | null;
}

type Payload = { readonly [name: string]: Json };

/** How the kind of an event tells which row it wrote: the first part of its name. */
const KEY_OF: Readonly<Record<CurrentRow['kind'], (payload: Payload, event: EventRecord) => string>> = {
  identity: (_, event) => event.identity ?? '',
  entry: ({ id }) => String(id),
  bundle: ({ trust_domain }) => String(trust_domain),
  federation: ({ trust_domain }) => String(trust_domain),
  authority: ({ kind }) => String(kind),
  meta: ({ key }) => String(key),
  finding: ({ id }) => String(id),
  task: ({ id }) => String(id),
  grant: ({ id }) => String(id),
  approval: ({ id }) => String(id),
  vote: ({ request, human, decision }) => voteKey(request, human, decision),
  human: ({ name }) => String(name),
  policy: ({ hash }) => String(hash),
  target: ({ name }) => String(name),
};

export class RowsOfEvents {
  readonly #last = new Map<string, Last>();
  /** Events of issuances whose row is there. */
  readonly #issued = { kept: 0 };
  /** The last issuance of before there was a log. */
  #beganAfter = 0;
  readonly #undelivered = new Map<number, number>();
  /** By serial: the event that revoked it. */
  readonly #revoked = new Map<string, number>();

  /** Every event, in order. */
  take(event: EventRecord): void {
    const { kind, seq, payload } = event;
    const [of, step = ''] = kind.split('.');
    if (event.issuance !== null && payload !== undefined) this.#issued.kept += 1;
    if (kind === 'log.begin' && payload !== undefined)
      this.#beganAfter = (JSON.parse(payload.text) as { issuances: number }).issuances;
    if (kind === 'issue.undelivered' && payload !== undefined)
      this.#undelivered.set((JSON.parse(payload.text) as { seq: number }).seq, seq);
    if (kind === 'issue.revoke' && payload !== undefined)
      for (const serial of (JSON.parse(payload.text) as { serials: string[] }).serials) this.#revoked.set(serial, seq);
    if (!Object.hasOwn(KEY_OF, of ?? '')) return;
    if (payload === undefined) {
      this.#erased(event);
      return;
    }
    const said = JSON.parse(payload.text) as Payload;
    const row = of as CurrentRow['kind'];
    const text = step === 'delete' ? undefined : row === 'authority' ? withoutStep(said) : payload.text;
    this.#last.set(`${row} ${KEY_OF[row](said, event)}`, { seq, text });
  }

  /** After the last. */
  compare(db: Database, fault: (fault: Fault) => void): void {
    for (const { kind, key, row } of currentRows(db)) {
      const name = `${kind} ${key}`;
      const last = this.#last.get(name);
      this.#last.delete(name);
      if (last?.text === null) continue;
      const shown = `${kind} ${quote(key)}`;
      if (last?.text === undefined)
        fault({
          row: shown,
          what: last ? `event ${last.seq} says that it was deleted` : 'no event says where it comes from',
        });
      else {
        // A column that came after the event is null in a row that it wrote.
        const changed = last.text === canonicalJson(row) ? '' : differences(last.text, row);
        if (changed !== '') fault({ row: shown, what: `it is not as event ${last.seq} wrote it: ${changed}` });
      }
    }
    for (const [name, { seq, text }] of this.#last) {
      if (text === undefined || text === null || isEmptySet(text)) continue;
      fault({ row: name, what: `event ${seq} wrote it, and it is not there` });
    }
    this.#compareIssuances(db, fault);
  }

  /** Which row it wrote cannot be told any more, so none of its kind with that identity is held against an older event. */
  #erased({ kind, identity }: EventRecord): void {
    const of = kind.split('.')[0];
    if (of === 'identity') this.#last.set(`identity ${identity}`, { seq: -1, text: null });
    else
      for (const name of this.#last.keys())
        if (name.startsWith(`${of} `)) this.#last.set(name, { seq: -1, text: null });
  }

  #compareIssuances(db: Database, fault: (fault: Fault) => void): void {
    const rows = db.prepare('SELECT seq FROM issuance WHERE delivered = 0').pluck().iterate() as Iterable<number>;
    for (const seq of rows)
      if (!this.#undelivered.delete(seq)) fault({ row: `issuance ${seq}`, what: 'no event says that it was not sent' });
    const stands = db.prepare('SELECT 1 FROM issuance WHERE seq = ?').pluck();
    for (const [seq, event] of this.#undelivered)
      if (stands.get(seq) !== undefined)
        fault({ row: `issuance ${seq}`, what: `event ${event} says that it was not sent` });
    this.#compareRevoked(db, fault);
    this.#compareCounts(db, fault);
    const others = db
      .prepare(
        `SELECT i.seq FROM event t JOIN issuance i ON i.seq = t.issuance JOIN identity d ON d.no = i.identity_no
         WHERE t.kind <> 'issue.' || i.kind OR t.at <> i.issued_at OR t.identity <> d.spiffe_id OR t.task IS NOT i.task`,
      )
      .pluck();
    for (const seq of others.iterate() as Iterable<number>)
      fault({ row: `issuance ${seq}`, what: 'its kind, time, identity or task is not that of its event' });
  }

  /** An issuance without an event is of before there was a log, or nobody's. */
  #compareCounts(db: Database, fault: (fault: Fault) => void): void {
    const early = db.prepare('SELECT seq FROM issuance WHERE salt IS NULL AND seq > ?').pluck();
    for (const seq of early.iterate(this.#beganAfter) as Iterable<number>)
      fault({ row: `issuance ${seq}`, what: 'no event says that it was issued' });
    const rows = db.prepare('SELECT count(*) FROM issuance WHERE salt IS NOT NULL').pluck().get() as number;
    if (rows !== this.#issued.kept)
      fault({ row: 'issuances', what: `there are ${rows} rows where events speak of ${this.#issued.kept}` });
  }

  #compareRevoked(db: Database, fault: (fault: Fault) => void): void {
    const rows = db.prepare('SELECT seq, lower(hex(serial)) FROM issuance WHERE revoked_at IS NOT NULL').raw();
    for (const [seq, serial] of rows.iterate() as Iterable<[number, string]>)
      if (!this.#revoked.delete(serial)) fault({ row: `issuance ${seq}`, what: 'no event says that it was revoked' });
    const stands = db.prepare('SELECT seq FROM issuance WHERE serial = ?').pluck();
    for (const [serial, event] of this.#revoked) {
      const seq = stands.get(Buffer.from(serial, 'hex')) as number | undefined;
      if (seq !== undefined) fault({ row: `issuance ${seq}`, what: `event ${event} says that it was revoked` });
    }
  }
}

/** Which step it was, and the bundle's number after it, no row says. */
function withoutStep({ authorities, kind }: Payload): string {
  return canonicalJson({ authorities: authorities as Json, kind: kind as Json });
}

function isEmptySet(text: string): boolean {
  const said = JSON.parse(text) as Payload;
  return Array.isArray(said.authorities) && said.authorities.length === 0;
}

/** The names of what differs; values may be long, and those of selectors secret. */
function differences(text: string, row: Payload): string {
  const said = JSON.parse(text) as Payload;
  const names = Object.keys(row).filter(
    (name) => canonicalJson(row[name] as Json) !== canonicalJson(said[name] ?? null),
  );
  return names.join(', ');
}
