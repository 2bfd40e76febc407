// SPDX-License-Identifier: Apache-2.0
/** Sets of policies, in the writer thread, inside a savepoint. Each row that changes has an event of its own. */
import type { Database, Statement } from 'better-sqlite3';
import { Failure } from '../../lib/failure.ts';
import type { LiveStep } from '../policies.ts';
import type { ChangeLog } from './change-log.ts';
import type { EventLog } from './event-log.ts';
import { POLICY_COLUMNS, policyRow } from './policy-rows.ts';
import type { Value } from './wire.ts';

export class PolicyCommands {
  readonly #log: ChangeLog;
  readonly #events: EventLog;
  readonly #inMode: Statement;
  readonly #row: Statement;
  readonly #put: Statement;
  readonly #leave: Statement;

  constructor(db: Database, log: ChangeLog, events: EventLog) {
    this.#log = log;
    this.#events = events;
    this.#inMode = db.prepare('SELECT hash FROM policy_set WHERE mode = ?').pluck();
    this.#row = db.prepare(`SELECT ${POLICY_COLUMNS} FROM policy_set WHERE hash = ?`).raw();
    this.#put = db.prepare(
      `INSERT INTO policy_set (hash, schema_hash, text, loaded_at, loaded_by, mode) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (hash) DO UPDATE SET loaded_at = excluded.loaded_at, loaded_by = excluded.loaded_by,
       mode = excluded.mode, left_at = iif(excluded.mode = 'live', NULL, left_at)`,
    );
    this.#leave = db.prepare(
      "UPDATE policy_set SET left_at = iif(mode = 'live', ?, left_at), mode = 'past' WHERE hash = ?",
    );
  }

  setLive([hash, schemaHash, text]: Value[], step: LiveStep, replaces: string | null, by: string, at: number): number {
    const live = this.#inMode.get('live') as string | undefined;
    // guard: I3 test/store/policies.test.ts
    if ((live ?? null) !== replaces || live === hash) throw conflict();
    if (live !== undefined) this.#end(live, 'replace', by, at);
    this.#put.run(hash, schemaHash, text, at, by, 'live');
    return this.#told(hash as string, step, by, at);
  }

  setShadow([hash, schemaHash, text]: Value[], by: string, at: number): number {
    // guard: I3 test/store/policies.test.ts
    if (this.#inMode.get('live') === hash) throw isLive(hash as string);
    const shadow = this.#inMode.get('shadow') as string | undefined;
    if (shadow !== undefined && shadow !== hash) this.#end(shadow, 'shadow_end', by, at);
    this.#put.run(hash, schemaHash, text, at, by, 'shadow');
    return this.#told(hash as string, 'shadow', by, at);
  }

  endShadow(by: string, at: number): number {
    const shadow = this.#inMode.get('shadow') as string | undefined;
    if (shadow === undefined) throw noShadow();
    this.#end(shadow, 'shadow_end', by, at);
    return this.#log.add('policy', 'put', shadow, by, at);
  }

  #end(hash: string, step: 'replace' | 'shadow_end', by: string, at: number): void {
    this.#leave.run(at, hash);
    this.#events.note(`policy.${step}`, by, at, null, policyRow(this.#row.get(hash) as Value[]));
  }

  #told(hash: string, step: LiveStep | 'shadow', by: string, at: number): number {
    this.#events.note(`policy.${step}`, by, at, null, policyRow(this.#row.get(hash) as Value[]));
    return this.#log.add('policy', 'put', hash, by, at);
  }
}

function conflict(): Failure {
  return new Failure('aborted', 'REVISION_CONFLICT', 'the policies were changed by someone else meanwhile', {
    hint: 'look at those that are live: assay policy list',
  });
}

function isLive(hash: string): Failure {
  return new Failure('failed-precondition', 'POLICY_IS_LIVE', 'these policies are live already', {
    field: 'files',
    value: hash,
    hint: 'a shadow is another set than the one that decides',
  });
}

function noShadow(): Failure {
  return new Failure('not-found', 'POLICY_NO_SHADOW', 'no policies are tried beside the live ones', {
    hint: 'try some: assay policy shadow FOLDER',
  });
}
