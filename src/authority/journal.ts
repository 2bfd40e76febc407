// SPDX-License-Identifier: Apache-2.0
/**
 * The authorities of one kind as the store knows them. A step is real when `replace` has resolved, and not before: memory follows the
 * store, never the other way round.
 */
import { Failure } from '../lib/failure.ts';
import type { AuthorityKind, AuthorityRecord } from '../store/records.ts';
import type { AuthorityStore } from '../store/store.ts';

export class Journal {
  readonly #store: AuthorityStore;
  readonly #kind: AuthorityKind;
  #records: readonly AuthorityRecord[];
  #sequence: number;

  constructor(store: AuthorityStore, kind: AuthorityKind) {
    this.#store = store;
    this.#kind = kind;
    this.#records = store.loadAuthorities(this.#kind);
    this.#sequence = store.ownBundleSequence();
  }

  get records(): readonly AuthorityRecord[] {
    return this.#records;
  }

  /** The number of our own bundle: grows with each change of what is published, also over a restart (BUN-03). */
  get sequence(): number {
    return this.#sequence;
  }

  /** Writes the step; `id` is the authority that it is about. On a rejection nothing has changed. */
  async replace(next: readonly AuthorityRecord[], id: string, by: string, at: number): Promise<void> {
    const expected = new Map(this.#records.map((one) => [one.id, one.revision]));
    try {
      await this.#store.replaceAuthorities(this.#kind, next, expected, id, by, at);
    } catch (error) {
      // Another writer has been here: what we decided on is stale, so the next try must start from what is stored.
      // guard: I6 test/authority/start.test.ts
      if (error instanceof Failure && error.reason === 'REVISION_CONFLICT') this.#read();
      throw error;
    }
    this.#read();
  }

  #read(): void {
    this.#records = this.#store.loadAuthorities(this.#kind);
    this.#sequence = this.#store.ownBundleSequence();
  }
}
