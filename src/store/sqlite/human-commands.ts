// SPDX-License-Identifier: Apache-2.0
/** People, in the writer thread, inside a savepoint; identities that change for them come along in the same step. */
import type { Database, Statement } from 'better-sqlite3';
import { Failure, quote } from '../../lib/failure.ts';
import type { HumanStep } from '../humans.ts';
import { words } from '../packed.ts';
import type { ChangeLog } from './change-log.ts';
import type { EventLog } from './event-log.ts';
import { HUMAN_COLUMNS, HUMAN_REVISION, humanRow, KEY_COLUMNS } from './human-rows.ts';
import type { PresentOwners } from './present-owners.ts';
import type { RegistryCommands } from './registry-commands.ts';
import type { RevokedAnswer, Value } from './wire.ts';

export class HumanCommands {
  readonly #log: ChangeLog;
  readonly #events: EventLog;
  readonly #registry: RegistryCommands;
  readonly #present: PresentOwners;
  readonly #revision: Statement;
  readonly #put: Statement;
  readonly #holder: Statement;
  readonly #uidHolder: Statement;
  readonly #removeKeys: Statement;
  readonly #addKey: Statement;
  readonly #owned: Statement;

  constructor(db: Database, log: ChangeLog, events: EventLog, registry: RegistryCommands, present: PresentOwners) {
    this.#present = present;
    this.#log = log;
    this.#events = events;
    this.#registry = registry;
    this.#revision = db.prepare('SELECT revision FROM human WHERE name = ?').pluck();
    const columns = HUMAN_COLUMNS.split(', ').filter((name) => name !== 'name');
    this.#put = db.prepare(
      `INSERT INTO human (${HUMAN_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (name) DO UPDATE SET ${columns.map((name) => `${name} = excluded.${name}`).join(', ')}`,
    );
    this.#holder = db.prepare('SELECT human FROM human_key WHERE fingerprint = ?').pluck();
    this.#uidHolder = db
      .prepare(
        `SELECT name, uid.value FROM human, json_each('[' || replace(uids, ' ', ',') || ']') AS uid
         WHERE active AND name <> ? AND uid.value IN (SELECT value FROM json_each('[' || replace(?, ' ', ',') || ']'))`,
      )
      .raw();
    this.#removeKeys = db.prepare('UPDATE human_key SET removed_at = ? WHERE human = ? AND removed_at IS NULL');
    this.#addKey = db.prepare(
      `INSERT INTO human_key (human, ${KEY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (fingerprint) DO UPDATE SET added_at = excluded.added_at, added_by = excluded.added_by, removed_at = NULL`,
    );
    this.#owned = db.prepare("SELECT 1 FROM identity WHERE owner = ? AND state = 'active'").pluck();
  }

  /** Answers the change of the person, then those of the identities. */
  put(
    values: Value[],
    keys: Value[][],
    step: HumanStep,
    identities: Value[][],
    by: string,
    at: number,
  ): RevokedAnswer[] {
    const name = values[0] as string;
    const stored = (this.#revision.get(name) as number | undefined) ?? 0;
    // guard: I3 test/store/humans.test.ts
    if (stored !== (values[HUMAN_REVISION] as number) - 1) throw conflict(name);
    const shared = step === 'add' ? (this.#uidHolder.get(name, values[2]) as [string, number] | undefined) : undefined;
    // guard: C2 test/registry/people.test.ts — a uid is one person's
    if (shared !== undefined) throw uidTaken(...shared);
    this.#put.run(values);
    this.#removeKeys.run(at, name);
    for (const key of keys) {
      const holder = this.#holder.get(key[0]) as string | undefined;
      // guard: C2 test/store/humans.test.ts — a key is one person's
      if (holder !== undefined && holder !== name) throw taken(key[0] as string, holder);
      this.#addKey.run(name, key);
    }
    this.#events.note(`human.${step}`, by, at, null, humanRow(values, keys));
    const seq = this.#log.add('human', 'put', name, by, at);
    const changed = identities.map((identity) => this.#registry.updateIdentity(identity, by, at));
    const owners = [`human:${name}`, ...words(values[3] as string).map((team) => `team:${team}`)];
    // guard: I7 test/registry/people.test.ts — somebody was given what nobody owns, or left too, meanwhile
    if (step === 'leave' && owners.some((owner) => this.#isOrphaned(owner))) throw conflict(name);
    return [{ seq, revoked: [] }, ...changed];
  }

  /** Something active is owned by nobody who is here. */
  #isOrphaned(owner: string): boolean {
    return this.#owned.get(owner) !== undefined && this.#present.isGone(owner);
  }
}

function uidTaken(holder: string, uid: number): Failure {
  return new Failure('already-exists', 'HUMAN_UID_TAKEN', `the uid ${uid} is that of ${quote(holder)}`, {
    field: 'uid',
    value: String(uid),
    hint: 'a uid under which several people work says nothing of who asks: leave it out',
  });
}

function conflict(name: string): Failure {
  return new Failure('aborted', 'REVISION_CONFLICT', `human ${quote(name)} was changed by someone else meanwhile`, {
    hint: 'read it again and repeat the change',
  });
}

function taken(fingerprint: string, holder: string): Failure {
  return new Failure('already-exists', 'HUMAN_KEY_TAKEN', `the key ${fingerprint} is that of ${quote(holder)}`, {
    field: 'key',
    value: fingerprint,
    hint: 'each person has keys of their own',
  });
}
