// SPDX-License-Identifier: Apache-2.0
import { Failure } from '../lib/failure.ts';

/** How many of something there may be, those that are just being made counted in (I9). */
export class Ceiling {
  readonly #what: 'entries' | 'identities';
  readonly #most: number;
  readonly #count: () => number;
  #making = 0;

  /** `what` is also its key below `limits`; `count`: how many there are. */
  constructor(what: 'entries' | 'identities', most: number, count: () => number) {
    this.#what = what;
    this.#most = most;
    this.#count = count;
  }

  /** Makes one more, or throws ('resource-exhausted', 'LIMIT_REACHED'). */
  async hold<T>(make: () => Promise<T>): Promise<T> {
    // guard: I9 test/registry/entry-create.test.ts
    if (this.#count() + this.#making >= this.#most) throw this.#reached();
    this.#making += 1;
    try {
      return await make();
    } finally {
      this.#making -= 1;
    }
  }

  #reached(): Failure {
    const message = `there are ${this.#most} ${this.#what}, no more are allowed`;
    const hint =
      this.#what === 'entries'
        ? 'delete entries that are no longer needed, or raise limits.entries'
        : 'retired ones stay, so raise limits.identities';
    return new Failure('resource-exhausted', 'LIMIT_REACHED', message, {
      field: `limits.${this.#what}`,
      value: String(this.#most),
      hint,
    });
  }
}
