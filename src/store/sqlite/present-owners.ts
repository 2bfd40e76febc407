// SPDX-License-Identifier: Apache-2.0
/** Who is there to answer for an identity, as the database has it: judged in the step that writes, so that nobody leaves in between. */
import type { Database, Statement } from 'better-sqlite3';
import { Failure } from '../../lib/failure.ts';

const OWNER = /^(human|team):(.*)$/s;

export class PresentOwners {
  readonly #human: Statement;
  readonly #team: Statement;

  constructor(db: Database) {
    this.#human = db.prepare('SELECT 1 FROM human WHERE name = ? AND active').pluck();
    this.#team = db.prepare("SELECT 1 FROM human WHERE active AND instr(' ' || teams || ' ', ' ' || ? || ' ')").pluck();
  }

  /** A human or a team that has left or was never here; other words stand for themselves. */
  isGone(owner: string): boolean {
    const [, kind, name] = OWNER.exec(owner) ?? [];
    if (kind === undefined) return false;
    // guard: C1 test/store/humans.test.ts — two teams side by side are not one, and no team is not one either
    if (name === '' || name?.includes(' ')) return true;
    return (kind === 'human' ? this.#human : this.#team).get(name) === undefined;
  }

  /** Throws for what is to be active and has nobody. */
  require(owner: string, state: string): void {
    // guard: C1 test/store/humans.test.ts
    if (state === 'active' && this.isGone(owner)) throw gone(owner);
  }
}

function gone(owner: string): Failure {
  return new Failure('failed-precondition', 'OWNER_GONE', `owner ${owner} is refused: nobody of that name is here`, {
    field: 'owner',
    value: owner,
    hint: 'list people with: assay human list',
  });
}
