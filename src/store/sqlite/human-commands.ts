// SPDX-License-Identifier: Apache-2.0
/** People, in the writer thread, inside a savepoint; identities that change for them come along in the same step. */
import type { Database, Statement } from 'better-sqlite3';
import { Failure, quote } from '../../lib/failure.ts';
import type { HumanStep } from '../humans.ts';
import type { ChangeLog } from './change-log.ts';
import type { EventLog } from './event-log.ts';
import { HUMAN_COLUMNS, HUMAN_REVISION, humanRow, KEY_COLUMNS } from './human-rows.ts';
import type { RegistryCommands } from './registry-commands.ts';
import type { RevokedAnswer, Value } from './wire.ts';

export class HumanCommands {
  readonly #log: ChangeLog;
  readonly #events: EventLog;
  readonly #registry: RegistryCommands;
  readonly #revision: Statement;
  readonly #put: Statement;
  readonly #holder: Statement;
  readonly #dropKeys: Statement;
  readonly #addKey: Statement;

  constructor(db: Database, log: ChangeLog, events: EventLog, registry: RegistryCommands) {
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
    this.#dropKeys = db.prepare('DELETE FROM human_key WHERE human = ?');
    this.#addKey = db.prepare(`INSERT INTO human_key (human, ${KEY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)`);
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
    this.#put.run(values);
    this.#dropKeys.run(name);
    for (const key of keys) {
      const holder = this.#holder.get(key[0]) as string | undefined;
      // guard: C2 test/store/humans.test.ts — a key is one person's
      if (holder !== undefined) throw taken(key[0] as string, holder);
      this.#addKey.run(name, key);
    }
    this.#events.note(`human.${step}`, by, at, null, humanRow(values, keys));
    const seq = this.#log.add('human', 'put', name, by, at);
    return [{ seq, revoked: [] }, ...identities.map((identity) => this.#registry.updateIdentity(identity, by, at))];
  }
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
