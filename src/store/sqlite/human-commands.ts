// SPDX-License-Identifier: Apache-2.0
/** People, in the writer thread, inside a savepoint. What nobody answers for any more is found and suspended here: no writer comes in between. */
import type { Database, Statement } from 'better-sqlite3';
import { Failure, quote } from '../../lib/failure.ts';
import { type HumanStep, ownerLeft } from '../humans.ts';
import { words } from '../packed.ts';
import type { ChangeLog } from './change-log.ts';
import type { EventLog } from './event-log.ts';
import { HUMAN_COLUMNS, HUMAN_REVISION, humanRow, KEY_COLUMNS } from './human-rows.ts';
import type { PresentOwners } from './present-owners.ts';
import type { RegistryCommands } from './registry-commands.ts';
import { IDENTITY_COLUMNS, identityOf, identityValues } from './rows.ts';
import type { RevokedAnswer, Value } from './wire.ts';

/** What may be another when a key is given again. */
const OF_A_KEY = KEY_COLUMNS.split(', ').filter((name) => !['fingerprint', 'type', 'blob'].includes(name));

export class HumanCommands {
  readonly #log: ChangeLog;
  readonly #events: EventLog;
  readonly #registry: RegistryCommands;
  readonly #present: PresentOwners;
  readonly #before: Statement;
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
    this.#before = db.prepare('SELECT revision, teams FROM human WHERE name = ?').raw();
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
      `INSERT INTO human_key (human, ${KEY_COLUMNS}) VALUES (?, ${KEY_COLUMNS.replace(/\w+/g, '?')})
       ON CONFLICT (fingerprint) DO UPDATE SET ${OF_A_KEY.map((name) => `${name} = excluded.${name}`).join(', ')}, removed_at = NULL`,
    );
    this.#owned = db
      .prepare(
        `SELECT ${IDENTITY_COLUMNS} FROM identity
         WHERE state = 'active' AND owner IN (SELECT value FROM json_each(?)) ORDER BY spiffe_id`,
      )
      .raw();
  }

  /** Answers the change of the person, then those of the identities that were suspended for it. */
  put(values: Value[], keys: Value[][], step: HumanStep, by: string, at: number): RevokedAnswer[] {
    const name = values[0] as string;
    const [stored, teams] = (this.#before.get(name) as [number, string] | undefined) ?? [0, ''];
    // guard: I3 test/store/humans.test.ts
    if (stored !== (values[HUMAN_REVISION] as number) - 1) throw conflict(name);
    const saysUids = step === 'add' || step === 'update';
    const shared = saysUids ? (this.#uidHolder.get(name, values[2]) as [string, number] | undefined) : undefined;
    // guard: C2 test/registry/people.test.ts — a uid is one person's
    if (shared !== undefined) throw uidTaken(...shared);
    this.#put.run(values);
    this.#putKeys(name, keys, at);
    this.#events.note(`human.${step}`, by, at, null, humanRow(values, keys));
    const seq = this.#log.add('human', 'put', name, by, at);
    const suspended: RevokedAnswer[] = [];
    // guard: I7 test/registry/people.test.ts
    suspended.push(...this.#suspendOrphans([`human:${name}`, ...words(teams).map((team) => `team:${team}`)], by, at));
    return [{ seq, revoked: [] }, ...suspended];
  }

  #putKeys(name: string, keys: Value[][], at: number): void {
    this.#removeKeys.run(at, name);
    for (const key of keys) {
      const holder = this.#holder.get(key[0]) as string | undefined;
      // guard: C2 test/store/humans.test.ts — a key is one person's
      if (holder !== undefined && holder !== name) throw taken(key[0] as string, holder);
      this.#addKey.run(name, key);
    }
  }

  /** Of those among `owners` who are no longer here. */
  #suspendOrphans(owners: readonly string[], by: string, at: number): RevokedAnswer[] {
    const gone = owners.filter((owner) => this.#present.isGone(owner));
    if (gone.length === 0) return [];
    return (this.#owned.all(JSON.stringify(gone)) as Value[][]).map((row) => {
      const before = identityOf(row);
      const identity = identityValues({
        ...before,
        state: 'suspended',
        stateReason: ownerLeft(before.owner),
        stateSince: at,
        revision: before.revision + 1,
      });
      return { ...this.#registry.updateIdentity(identity, by, at), identity };
    });
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
