// SPDX-License-Identifier: Apache-2.0
/** Counts by a word, since the start. The words are ours and few; should they not be, the rest is `OTHER` (I9). */
const MOST = 64;
const OTHER = 'OTHER';

export class Tally {
  readonly #counts = new Map<string, number>();

  add(word: string): void {
    let key = word;
    // guard: I9 test/telemetry/tally.test.ts
    if (!this.#counts.has(word) && this.#counts.size >= MOST) key = OTHER;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }
}
