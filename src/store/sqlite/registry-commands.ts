// SPDX-License-Identifier: Apache-2.0
/** Entries, identities and foreign bundles, in the writer thread. Each method runs inside a savepoint. */
import type { Database, Statement } from 'better-sqlite3';
import { Failure, quote } from '../../lib/failure.ts';
import type { EventKind } from '../events.ts';
import type { ChangeLog } from './change-log.ts';
import type { EventLog } from './event-log.ts';
import type { PresentOwners } from './present-owners.ts';
import type { RevocationCommands } from './revocation-commands.ts';
import { entryRow, namedRow } from './row-payload.ts';
import { ENTRY_COLUMNS, ENTRY_REVISION, IDENTITY_COLUMNS } from './rows.ts';
import type { TaskCommands } from './task-commands.ts';
import type { RevokedAnswer, Value } from './wire.ts';

export class RegistryCommands {
  readonly #log: ChangeLog;
  readonly #events: EventLog;
  readonly #revocation: RevocationCommands;
  readonly #owners: PresentOwners;
  readonly #tasks: TaskCommands;
  readonly #findIdentity: Statement;
  readonly #insertIdentity: Statement;
  readonly #updateIdentity: Statement;
  readonly #findEntry: Statement;
  readonly #findSet: Statement;
  readonly #insertEntry: Statement;
  readonly #updateEntry: Statement;
  readonly #deleteEntry: Statement;
  readonly #spiffeIdOf: Statement;
  readonly #entriesOf: Statement;
  readonly #insertSelector: Statement;
  readonly #deleteSelectors: Statement;

  constructor(
    db: Database,
    log: ChangeLog,
    events: EventLog,
    revocation: RevocationCommands,
    owners: PresentOwners,
    tasks: TaskCommands,
  ) {
    this.#tasks = tasks;
    this.#owners = owners;
    this.#revocation = revocation;
    this.#log = log;
    this.#events = events;
    this.#findIdentity = db.prepare('SELECT no, state, revision FROM identity WHERE spiffe_id = ?').raw();
    this.#insertIdentity = db.prepare(
      `INSERT INTO identity (${IDENTITY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#updateIdentity = db.prepare(
      `UPDATE identity SET (${IDENTITY_COLUMNS}) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE no = ?`,
    );
    this.#findEntry = db.prepare('SELECT no, identity_no, revision FROM entry WHERE id = ?').raw();
    this.#findSet = db.prepare('SELECT id FROM entry WHERE identity_no = ? AND selector_set = ?').pluck();
    this.#insertEntry = db.prepare(
      `INSERT INTO entry (identity_no, ${ENTRY_COLUMNS})
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#updateEntry = db.prepare(
      `UPDATE entry SET (${ENTRY_COLUMNS}) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE no = ?`,
    );
    this.#deleteEntry = db.prepare('DELETE FROM entry WHERE id = ?');
    this.#spiffeIdOf = db
      .prepare('SELECT spiffe_id FROM identity WHERE no = (SELECT identity_no FROM entry WHERE id = ?)')
      .pluck();
    this.#entriesOf = db
      .prepare('SELECT id FROM entry WHERE identity_no = (SELECT no FROM identity WHERE spiffe_id = ?) ORDER BY no')
      .pluck();
    this.#insertSelector = db.prepare('INSERT INTO entry_selector (entry_no, selector) VALUES (?, ?)');
    this.#deleteSelectors = db.prepare('DELETE FROM entry_selector WHERE entry_no = ?');
  }

  createEntry(entry: Value[], identity: Value[] | null, spiffeId: string, by: string, at: number): number {
    const found = this.#findIdentity.get(spiffeId) as [number, string, number] | undefined;
    if ((found === undefined) !== (identity !== null)) throw conflict(`identity ${quote(spiffeId)}`);
    // guard: I3 test/store/sqlite-store.test.ts — a tombstone is final
    if (found?.[1] === 'retired') throw retired(spiffeId);
    if (identity !== null) this.#requireOwner(identity);
    const identityNo = found === undefined ? this.#insertIdentity.run(identity).lastInsertRowid : found[0];
    const [id, , selectors, selectorSet] = entry;
    const same = this.#findSet.get(identityNo, selectorSet) as string | undefined;
    if (same !== undefined) throw entryExists(same, spiffeId);
    if (this.#findEntry.get(id) !== undefined) throw idExists(id as string);
    const entryNo = this.#insertEntry.run(identityNo, entry).lastInsertRowid;
    this.#addSelectors(entryNo, selectors as string);
    if (identity !== null) this.#events.note('identity.create', by, at, spiffeId, namedRow(IDENTITY_COLUMNS, identity));
    this.#events.note('entry.create', by, at, spiffeId, entryRow(entry));
    const first = found === undefined ? this.#log.add('identity', 'put', spiffeId, by, at) : undefined;
    const last = this.#log.add('entry', 'put', id as string, by, at);
    return first ?? last;
  }

  updateEntry(entry: Value[], spiffeId: string, by: string, at: number): number {
    const id = entry[0] as string;
    const found = this.#findEntry.get(id) as [number, number, number] | undefined;
    if (found === undefined) throw entryNotFound(id);
    const [no, identityNo, revision] = found;
    // guard: I3 test/store/sqlite-store.test.ts — two writers from one revision: the second is told
    if (revision !== (entry[ENTRY_REVISION] as number) - 1) throw conflict(`entry ${quote(id)}`);
    const same = this.#findSet.get(identityNo, entry[3]) as string | undefined;
    if (same !== undefined && same !== id) throw entryExists(same, spiffeId);
    this.#updateEntry.run(entry, no);
    this.#deleteSelectors.run(no);
    this.#addSelectors(no, entry[2] as string);
    this.#events.note('entry.update', by, at, spiffeId, entryRow(entry));
    return this.#log.add('entry', 'put', id, by, at);
  }

  deleteEntry(id: string, by: string, at: number): number {
    const spiffeId = this.#spiffeIdOf.get(id) as string | undefined;
    if (spiffeId === undefined || this.#deleteEntry.run(id).changes === 0) throw entryNotFound(id);
    this.#events.note('entry.delete', by, at, spiffeId, { id });
    return this.#log.add('entry', 'delete', id, by, at);
  }

  createIdentity(identity: Value[], by: string, at: number): number {
    const spiffeId = identity[0] as string;
    if (this.#findIdentity.get(spiffeId) !== undefined) throw identityExists(spiffeId);
    this.#requireOwner(identity);
    this.#insertIdentity.run(identity);
    this.#events.note('identity.create', by, at, spiffeId, namedRow(IDENTITY_COLUMNS, identity));
    return this.#log.add('identity', 'put', spiffeId, by, at);
  }

  /** Its entries first, each with a change of its own: a tombstone has none. */
  retireIdentity(identity: Value[], by: string, at: number): RevokedAnswer {
    const entryIds = this.#entriesOf.all(identity[0]) as string[];
    const first = entryIds.map((id) => this.deleteEntry(id, by, at))[0];
    const answer = this.updateIdentity(identity, by, at);
    return { ...answer, seq: first ?? answer.seq, entryIds };
  }

  /** One that is no longer active takes back what it was given. */
  updateIdentity(identity: Value[], by: string, at: number): RevokedAnswer {
    const spiffeId = identity[0] as string;
    const found = this.#findIdentity.get(spiffeId) as [number, string, number] | undefined;
    if (found === undefined) {
      throw new Failure('not-found', 'IDENTITY_NOT_FOUND', `no identity ${quote(spiffeId)} is registered`);
    }
    if (found[2] !== (identity[12] as number) - 1) throw conflict(`identity ${quote(spiffeId)}`);
    if (found[1] === 'retired') throw retired(spiffeId);
    this.#requireOwner(identity);
    this.#updateIdentity.run(identity, found[0]);
    const what = identityStep(found[1], identity[6] as string);
    this.#events.note(what, by, at, spiffeId, namedRow(IDENTITY_COLUMNS, identity));
    const seq = this.#log.add('identity', 'put', spiffeId, by, at);
    const [state, reason] = [identity[6] as string, identity[7] as string | null];
    if (state === 'active' || state === found[1]) return { seq, revoked: [] };
    const why = `the identity was ${state}${reason === null ? '' : `: ${reason}`}`;
    // guard: I7 test/store/revocations.test.ts
    const ended = this.#tasks.endOf(spiffeId, why, by, at);
    const given = this.#revocation.revoke({ what: 'identity', spiffeId }, why, by, at);
    return { seq, revoked: given.revoked, revokedSeq: given.seq, ended };
  }

  #requireOwner(identity: Value[]): void {
    this.#owners.require(identity[1] as string, identity[6] as string);
  }

  #addSelectors(entryNo: number | bigint, selectors: string): void {
    for (const selector of selectors.split('\n')) this.#insertSelector.run(entryNo, selector);
  }
}

/** What the event is called: after the state that was reached, or an update where it stays. */
function identityStep(from: string, to: string): EventKind {
  if (from === to) return 'identity.update';
  return to === 'suspended' ? 'identity.suspend' : to === 'retired' ? 'identity.retire' : 'identity.activate';
}

function conflict(what: string): Failure {
  return new Failure('aborted', 'REVISION_CONFLICT', `${what} was changed by someone else meanwhile`, {
    hint: 'read it again and repeat the change',
  });
}

function identityExists(spiffeId: string): Failure {
  return new Failure('already-exists', 'IDENTITY_EXISTS', `identity ${quote(spiffeId)} is registered already`, {
    field: 'spiffe_id',
    value: spiffeId,
    hint: `look at it: assay identity show ${spiffeId}`,
  });
}

function retired(spiffeId: string): Failure {
  return new Failure('failed-precondition', 'IDENTITY_RETIRED', `identity ${quote(spiffeId)} is retired for good`, {
    field: 'spiffe_id',
    value: spiffeId,
    hint: 'choose another SPIFFE ID',
  });
}

function entryExists(id: string, spiffeId: string): Failure {
  return new Failure(
    'already-exists',
    'ENTRY_EXISTS',
    `entry ${quote(id)} already gives ${quote(spiffeId)} to the same parent and selectors`,
    { field: 'selectors', value: id, hint: `change it with: assay entry update ${id}` },
  );
}

function idExists(id: string): Failure {
  return new Failure('already-exists', 'ENTRY_ID_EXISTS', `an entry with the id ${quote(id)} exists already`, {
    field: 'entry_id',
    value: id,
    hint: 'choose another --entry-id, or leave it out to get a random one',
  });
}

function entryNotFound(id: string): Failure {
  return new Failure('not-found', 'ENTRY_NOT_FOUND', `there is no entry ${quote(id)}`, {
    field: 'entry_id',
    value: id,
    hint: 'list them with: assay entry list',
  });
}
